// Asks a panel's queries. In: a panel, the address, the variables. Out: its answers. State: the answers.
import { ask, urlOf } from "../../lib/api.js";
import { begin, end } from "../../lib/address.js";
import { useEffect, useRef, useState } from "../../lib/preact.js";
import { inTurn } from "./turns.js";

const STEPS = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400];
const SHORTEST_S = 60; // of a rate: four exports of the slowest of our processes, every 15 s
const EXPORTED_S = 15;
const MOST_CHARACTERS = 12_000; // of the queries in one address
const WHICH = "of_query"; // the label that tells their series apart
const USUAL_POINTS = 150;
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
  const grid = gridOf(address.range, POINTS[panel.draw] ?? USUAL_POINTS);
  const requests = requestsOf(panel, grid, variables);
  const key = requests.map(({ url }) => url).join(" ");
  const [state, setState] = useState({ key: null, grid, answers: null, error: null });
  const [turn, setTurn] = useState(0);
  const done = useRef(null);
  useEffect(() => {
    const asked = `${key} ${turn}`;
    if (!seen || done.current === asked) return undefined;
    const aborter = new AbortController();
    begin(aborter);
    const settle = (news) => {
      if (aborter.signal.aborted) return;
      done.current = asked;
      setState((before) => ({ ...before, ...news }));
    };
    Promise.all(requests.map(({ url }) => inTurn(panel.order, aborter.signal, () => ask(url, aborter.signal))))
      .then((found) => settle({ answers: answersOf(panel, requests, found, grid), grid, key, error: null }), (error) => settle({ error }))
      .finally(() => end(aborter));
    return () => {
      aborter.abort();
      end(aborter);
    };
  }, [key, seen, turn]);
  return { ...state, loading: seen && done.current !== `${key} ${turn}`, reload: () => setTurn((before) => before + 1) };
}

/** The requests of a panel: its queries in as few as fit into addresses, since what several of them read is read once. */
function requestsOf(panel, grid, variables) {
  const length = `${Math.max(1, grid.end - grid.start)}s`;
  const window = `${Math.max(SHORTEST_S, grid.step + EXPORTED_S)}s`;
  const groups = [];
  panel.queries.forEach((query, index) => {
    const text = variables.fill(query.expr.replaceAll("$__rate_interval", window).replaceAll("$__range", length));
    const last = Boolean(query.last);
    const group = groups.find((each) => each.last === last && each.size + text.length < MOST_CHARACTERS);
    if (!group) return groups.push({ last, size: text.length, texts: [text], indices: [index] });
    group.size += text.length;
    group.texts.push(text);
    return group.indices.push(index);
  });
  return groups.map(({ last, texts, indices }) => {
    const query = texts.length === 1 ? texts[0] : texts.map((text, place) => `label_replace((${text}), "${WHICH}", "${place}", "", "")`).join(" or ");
    const url = last ? urlOf("/api/query", { query, time: grid.end }) : urlOf("/api/query_range", { query, start: grid.start, end: grid.end, step: grid.step });
    return { url, last, indices };
  });
}

/** The series of each query; what is not a number is null. */
function answersOf(panel, requests, found, grid) {
  const answers = panel.queries.map(() => []);
  const places = new Map(grid.times.map((time, index) => [time, index]));
  requests.forEach(({ last, indices }, number) => {
    for (const { metric: { [WHICH]: which = 0, ...metric }, value, values } of found[number].data.result) {
      const to = answers[indices[Number(which)]];
      if (last && numberOf(value[1]) !== null) to.push({ metric, value: numberOf(value[1]) });
      if (!last) to.push({ metric, values: onGrid(values, places) });
    }
  });
  return answers;
}

function onGrid(values, places) {
  const all = new Array(places.size).fill(null);
  for (const [time, value] of values) all[places.get(time)] = numberOf(value);
  return all;
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
