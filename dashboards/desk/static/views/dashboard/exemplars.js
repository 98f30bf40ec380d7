// Single requests above a chart: each point is a link to its trace. In: a panel's queries. Out: points. State: the answers.
import { useAnswer } from "../../lib/api.js";
import { traceLink } from "../../lib/address.js";
import { moment } from "../../lib/format.js";
import { useMemo } from "../../lib/preact.js";

const MOST = 40;

/** The exemplars of a panel's queries, at most 40, the slowest of each part of the time: `[{ time, value, trace }]`. */
export function useExemplars(panel, grid, variables) {
  const query = panel.queries.find((each) => each.exemplars);
  const text = query && variables.fill(query.expr.replaceAll("$__rate_interval", "1m"));
  const { answer } = useAnswer(query ? "/api/query_exemplars" : null, { query: text, start: grid.start, end: grid.end });
  return useMemo(() => chosenOf(answer?.data ?? [], grid), [answer]);
}

function chosenOf(data, grid) {
  const all = data.flatMap((series) => series.exemplars.map((each) => ({ time: each.timestamp, value: Number(each.value), trace: each.labels.trace_id })));
  const slots = new Map();
  for (const each of all.sort((a, b) => b.value - a.value)) {
    const slot = Math.floor(((each.time - grid.start) / Math.max(1, grid.end - grid.start)) * MOST);
    if (!slots.has(slot)) slots.set(slot, each);
  }
  return [...slots.values()].sort((a, b) => a.time - b.time);
}

/** Put the points above a plot, as links; those above its scale stand at its upper edge. `place(value)` may give another height. */
export function drawExemplars(plot, exemplars, unit, place) {
  plot.over.querySelectorAll(".exemplar").forEach((each) => each.remove());
  const most = plot.scales.y?.max ?? 1;
  for (const { time, value, trace } of exemplars) {
    const point = document.createElement("a");
    const left = plot.valToPos(time, "x");
    if (left < 0 || left > plot.over.clientWidth) continue;
    const name = `${unit.write(value)} at ${moment(time * 1000)}: open its trace`;
    const top = place ? place(value) : plot.valToPos(Math.min(value * unit.factor, most), "y");
    Object.assign(point, { className: `exemplar${!place && value * unit.factor > most ? " is-above" : ""}`, href: traceLink(trace), title: name, tabIndex: -1 });
    point.setAttribute("aria-label", name);
    Object.assign(point.style, { left: `${left}px`, top: `${top}px` });
    point.addEventListener("mousedown", (event) => event.stopPropagation());
    plot.over.append(point);
  }
}
