// A duration as a bar, coloured by what held it: the stages of its critical path.
import { duration, share } from "../lib/format.js";
import { html } from "../lib/preact.js";
import { colourOf, wordsOf } from "../lib/stages.js";

const REST = "rest";

/** total: nanoseconds. most: the nanoseconds that fill the bar. stages: `[{ stage, time_ns }]`; none, or null: not known. */
export function StageBar({ total, most, stages }) {
  const known = stages ?? [];
  const rest = total - known.reduce((sum, each) => sum + each.time_ns, 0);
  const parts = [...known, ...(rest > 0 ? [{ stage: REST, time_ns: rest }] : [])];
  const title = known.length === 0 ? "Its stages are not shown: it has too many spans. The trace has them."
    : known.map(({ stage, time_ns }) => `${wordsOf(stage)} ${duration(time_ns)} (${share(time_ns / total)})`).join("\n");
  return html`<span class="stage-bar" title=${title}><span class="stage-track" aria-hidden="true">
    <span class="stage-fill" style=${{ width: `${Math.max(0.5, (total / most) * 100)}%` }}>
      ${parts.map(({ stage, time_ns }) => html`<i key=${stage} style=${{ flexGrow: time_ns, background: stage === REST ? "var(--line-strong)" : colourOf(stage) }}></i>`)}
    </span></span><span class="stage-time">${duration(total)}</span></span>`;
}

/** The stages that bars show, by colour, the longest first. rows: with `stages`. */
export function StageLegend({ rows, most = 8 }) {
  const sums = new Map();
  for (const row of rows) for (const { stage, time_ns } of row.stages ?? []) sums.set(stage, (sums.get(stage) ?? 0) + time_ns);
  const names = [...sums].sort((a, b) => b[1] - a[1]).slice(0, most).map(([name]) => name);
  return html`<span class="legend">${names.map((name) => html`<span class="legend-item" key=${name}>
    <i class="swatch is-block" style=${{ "--swatch": colourOf(name) }}></i>${wordsOf(name)}</span>`)}</span>`;
}
