// The events that are drawn through the charts of a board: a version that began to serve.
import { useAnswer } from "../../lib/api.js";
import { useMemo } from "../../lib/preact.js";
import { gridOf } from "./answers.js";
import { toneOf } from "./units.js";

/** The marks of a board in the time that is shown: `[{ time, tone, name }]`. */
export function useMarks(board, address, variables) {
  const mark = board.marks?.[0];
  const { since, until } = address.range;
  const { end } = gridOf(address.range, 60);
  const { answer } = useAnswer(mark ? "/api/query" : null, mark ? { query: variables.fill(mark.expr), time: end } : {});
  return useMemo(() => (answer?.data.result ?? []).map(({ metric, value }) => ({
    time: Number(value[1]), tone: toneOf(mark.tone), name: mark.text.replace(/\{\{(\w+)\}\}/g, (_, label) => metric[label] ?? ""),
  })).filter(({ time }) => time >= since && time <= until), [answer, since, until]);
}
