// Which of a few states held, over time: a bar for each series, a part for each time without a change.
import { clock, span } from "../../lib/format.js";
import { html } from "../../lib/preact.js";
import { nameOf } from "./answers.js";
import { linksOf } from "./links.js";
import { Menu } from "./menu.js";
import { toneOf } from "./units.js";

const LEAST = 0.07; // of the time, for which a part has room for its name

/** panel, answers, grid: of a panel of states. */
export function States({ panel, answers, grid, variables }) {
  const states = new Map(panel.states.map((state) => [state.value, state]));
  return html`<div class="states">
    ${answers[0].map((series) => html`<div class="states-row" key=${nameOf(panel.queries[0], series.metric)}>
      <${Menu} className="states-name" title=${`From ${nameOf(panel.queries[0], series.metric)}`} links=${linksOf(panel, variables, series.metric)}>${nameOf(panel.queries[0], series.metric)}<//>
      <div class="states-bar">${partsOf(series.values).map((part) => html`<${Part} key=${part.from} ...${{ part, grid, state: states.get(part.value) }} />`)}</div></div>`)}
    <p class="states-times faint"><span>${clock(grid.start * 1000, { seconds: false })}</span><span>${clock(grid.end * 1000, { seconds: false })}</span></p>
    <p class="board-legend">${panel.states.map((state) => html`<span key=${state.text}><i class="swatch" style=${{ "--swatch": `var(--${toneOf(state.tone)})` }}></i>${state.text}</span>`)}</p>
  </div>`;
}

function Part({ part, grid, state }) {
  const title = `${state?.text ?? "nothing known"} from ${clock(grid.times[part.from] * 1000)}, for ${span(part.length * grid.step)}`;
  return html`<span class="states-part ${state ? `is-${toneOf(state.tone)}` : ""}" style=${{ flexGrow: part.length }} title=${title}>
    ${part.length / grid.times.length >= LEAST && html`<span class="cut">${state?.text ?? ""}</span>`}</span>`;
}

/** The times without a change: `[{ from, length, value }]`. */
function partsOf(values) {
  const parts = [];
  values.forEach((value, index) => {
    const last = parts[parts.length - 1];
    if (last && last.value === value) last.length += 1;
    else parts.push({ from: index, length: 1, value });
  });
  return parts;
}
