// A small line without axes: how a figure went over the chosen time. The numbers are in the row beside it.
import { html } from "../lib/preact.js";

const WIDTH = 104;
const HEIGHT = 22;

/**
 * values: numbers, or null where there is none. tone: a colour's name in tokens.css. title: what is drawn.
 * gap: so many values may lack between two points of a line.
 */
export function Sparkline({ values, tone = "p95", title, gap = 0 }) {
  const known = values.filter((value) => value != null);
  const most = Math.max(...known, 0) || 1;
  const step = values.length > 1 ? (WIDTH - 4) / (values.length - 1) : 0;
  const points = values.map((value, index) => value == null ? null : [2 + index * step, HEIGHT - 2 - (value / most) * (HEIGHT - 5)]);
  const places = points.flatMap((point, index) => (point ? [index] : []));
  const follows = (at) => at > 0 && places[at] - places[at - 1] <= gap + 1;
  const path = places.map((index, at) => `${follows(at) ? "L" : "M"}${points[index].map((each) => each.toFixed(1)).join(" ")}`).join("");
  const alone = places.filter((_, at) => !follows(at) && !(at + 1 < places.length && follows(at + 1))).map((index) => points[index]);
  return html`<svg class="spark" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label=${title} style=${{ "--spark": `var(--${tone})` }}>
    <path d=${path} />${alone.map(([x, y]) => html`<circle cx=${x} cy=${y} r="1.5" />`)}</svg>`;
}
