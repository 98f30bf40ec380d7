// The last value of each query, large; what changed against before, small; and behind them how it came there.
import { html } from "../../lib/preact.js";
import { lastOf } from "./answers.js";
import { change, toneAt, unitOf, wordOf } from "./units.js";

const [WIDTH, HEIGHT] = [120, 26];

/** panel, answers: of a stat. */
export function Stat({ panel, answers }) {
  const shown = panel.queries.map((query, index) => ({ query, series: answers[index][0] })).filter(({ query }) => !query.hidden);
  const figures = shown.filter(({ query }) => !query.after);
  const changes = shown.filter(({ query, series }) => query.after && series);
  return html`<div class="stat">
    <div class="stat-figures">${figures.map(({ query, series }) => html`<${Figure} key=${query.title ?? query.expr} ...${{ panel, query, series, alone: figures.length === 1 }} />`)}</div>
    <p class="stat-changes">${changes.length === 0 ? " " : changes.map(({ query, series }) => html`<${Change} key=${query.title} ...${{ panel, query, series }} />`)}</p>
  </div>`;
}

function Figure({ panel, query, series, alone }) {
  const value = series ? lastOf(series.values ?? [series.value]) : null;
  const tone = toneAt(query.steps ?? panel.steps, value);
  const word = wordOf(tone);
  return html`<div class="stat-figure"><b class=${tone ? `tone-${tone}` : ""}>${value === null ? panel.nothing : unitOf(query.unit ?? panel.unit).write(value)}</b>
    ${word && html`<span class="unseen">${word}</span>`}${!alone && html`<span class="faint stat-name">${query.title}</span>`}
    ${series?.values && html`<${Spark} values=${series.values} tone=${tone} />`}</div>`;
}

function Change({ panel, query, series }) {
  const tone = toneAt(query.steps ?? panel.steps, series.value);
  return html`<span><b class=${tone ? `tone-${tone}` : ""}>${change(unitOf(query.unit ?? panel.unit).write)(series.value)}</b> <span class="faint">${query.title}</span></span>`;
}

/** A line of the values, from zero, without axes. */
function Spark({ values, tone }) {
  const most = Math.max(...values.map((value) => value ?? 0)) || 1;
  const points = values.map((value, index) => (value === null ? null : [(index / Math.max(1, values.length - 1)) * WIDTH, HEIGHT - 1 - (Math.max(0, value) / most) * (HEIGHT - 2)]));
  const path = points.map((point, index) => (point === null ? "" : `${points[index - 1] ? "L" : "M"}${point[0].toFixed(1)} ${point[1].toFixed(1)}`)).join("");
  return html`<svg class="stat-spark ${tone ? `tone-${tone}` : ""}" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true"><path d=${path} /></svg>`;
}
