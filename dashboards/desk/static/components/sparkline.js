// A small line without axes: how a figure went over the chosen time. The numbers are in the row beside it.
import { html } from "../lib/preact.js";

const WIDTH = 104;
const HEIGHT = 22;

/** values: numbers, or null where there is none. tone: a colour's name in tokens.css. title: what is drawn. */
export function Sparkline({ values, tone = "p95", title }) {
  const known = values.filter((value) => value != null);
  const most = Math.max(...known, 0) || 1;
  const step = values.length > 1 ? (WIDTH - 4) / (values.length - 1) : 0;
  const points = values.map((value, index) => value == null ? null : [2 + index * step, HEIGHT - 2 - (value / most) * (HEIGHT - 5)]);
  let pen = "M";
  const path = points.map((point) => {
    if (point === null) { pen = "M"; return ""; }
    const text = `${pen}${point[0].toFixed(1)} ${point[1].toFixed(1)}`;
    pen = "L";
    return text;
  }).join("");
  const alone = points.filter((point, index) => point && !points[index - 1] && !points[index + 1]);
  return html`<svg class="spark" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label=${title} style=${{ "--spark": `var(--${tone})` }}>
    <path d=${path} />${alone.map(([x, y]) => html`<circle cx=${x} cy=${y} r="1.5" />`)}</svg>`;
}
