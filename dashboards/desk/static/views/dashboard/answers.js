// Asks a panel's queries. In: a panel, the address, the variables. Out: its answers. State: the answers.
import { ask, urlOf } from "../../lib/api.js";
import { begin, end } from "../../lib/address.js";
import { useEffect, useRef, useState } from "../../lib/preact.js";

const STEPS = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400];
const SHORTEST_S = 60; // of a rate: four exports of the slowest of our processes, every 15 s
const EXPORTED_S = 15;
const POINTS = { heat: 80, stat: 60, states: 180 };

/** The steps of a range: `{ start, end, step, times }`, in Unix seconds, on multiples of the step, so that a live range asks anew only once a step. */
export function gridOf(range, points) {
  const length = Math.max(1, range.until - range.since);
  const step = STEPS.find((each) => length / each <= points) ?? Math.ceil(length / points / 86400) * 86400;
  const [start, stop] = [Math.ceil(range.since / step) * step, Math.max(Math.ceil(range.since / step), Math.floor(range.until / step)) * step];
  const times = Array.from({ length: Math.round((stop - start) / step) + 1 }, (_, index) => start + index * step);
  return { start, end: stop, step, times };
}

/**
 * The answers of a panel's queries: `{ answers, grid, error, loading, reload }`; `answers[i]` has the series of query i, as
 * `[{ metric, values }]` on the grid's times, or `[{ metric, value }]` where only the last moment is asked for. Nothing is asked while
 * `seen` is false.
 */
export function useAnswers(panel, address, variables, seen) {
  const grid = gridOf(address.range, POINTS[panel.draw] ?? 240);
  const urls = panel.queries.map((query) => urlOfQuery(query, grid, variables));
  const key = urls.join(" ");
  const [state, setState] = useState({ key: null, grid, answers: null, error: null });
  const [turn, setTurn] = useState(0);
  const latest = useRef(null);
  useEffect(() => {
    if (!seen) return undefined;
    const aborter = new AbortController();
    begin(aborter);
    Promise.all(urls.map((url) => ask(url, aborter.signal)))
      .then((found) => ({ answers: found.map((each, index) => seriesOf(each.data, panel.queries[index], grid)), error: null }))
      .catch((error) => ({ error }))
      .then((news) => aborter.signal.aborted || ((latest.current = `${key} ${turn}`), setState((before) => ({ ...before, ...news, key, grid: news.error ? before.grid : grid }))))
      .finally(() => end(aborter));
    return () => {
      aborter.abort();
      end(aborter);
    };
  }, [key, seen, turn]);
  return { ...state, loading: seen && latest.current !== `${key} ${turn}`, reload: () => setTurn((before) => before + 1) };
}

function urlOfQuery(query, grid, variables) {
  const length = `${Math.max(1, grid.end - grid.start)}s`;
  const window = `${Math.max(SHORTEST_S, grid.step + EXPORTED_S)}s`;
  const text = variables.fill(query.expr.replaceAll("$__rate_interval", window).replaceAll("$__range", length));
  if (query.last) return urlOf("/api/query", { query: text, time: grid.end });
  return urlOf("/api/query_range", { query: text, start: grid.start, end: grid.end, step: grid.step });
}

/** The series of an answer, with numbers; what is not a number is null. */
function seriesOf(data, query, grid) {
  if (query.last) return data.result.map((each) => ({ metric: each.metric, value: numberOf(each.value[1]) })).filter((each) => each.value !== null);
  const places = new Map(grid.times.map((time, index) => [time, index]));
  return data.result.map(({ metric, values }) => {
    const all = new Array(grid.times.length).fill(null);
    for (const [time, value] of values) all[places.get(time)] = numberOf(value);
    return { metric, values: all };
  });
}

function numberOf(text) {
  const number = Number(text);
  return Number.isFinite(number) ? number : null;
}

/** The name of a series by its query's legend: `{{search_stage}}`. */
export function nameOf(query, metric) {
  const name = (query.legend || query.title || "").replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => metric[label] ?? "").trim();
  return name || Object.values(metric).join(" ") || "all";
}

/** The last value of a series that is there. */
export const lastOf = (values) => values.findLast((value) => value !== null) ?? null;
