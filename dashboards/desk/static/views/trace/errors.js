// The failed spans of a trace, one after the other: those that have none below them that failed too, where it began.
//
// In: which one is selected. Out: the next one's id. State: their ids.
import { ask, urlOf } from "../../lib/api.js";
import { useRef } from "../../lib/preact.js";

const MOST = 200;

/** Of rows that failed and those above them: whether one failed, and no row is below it. */
const isInnermost = (row, index, rows) => row.status === "error" && !(rows[index + 1]?.depth > row.depth);

/** A function that resolves to the id of the failed span after the one with an id; null if none failed. */
export function useNextError(path, version) {
  const kept = useRef({ key: null, ids: [] }).current;
  return async (id) => {
    const key = `${path} ${version}`;
    if (kept.key !== key) {
      const { rows } = await ask(urlOf(path, { only: "errors", limit: MOST }));
      Object.assign(kept, { key, ids: rows.filter(isInnermost).map((row) => row.span_id) });
    }
    return kept.ids.length ? kept.ids[(kept.ids.indexOf(id) + 1) % kept.ids.length] : null;
  };
}
