// One row of the waterfall: where the span is in the tree, what it is, and its bar.
import { count, duration } from "../../lib/format.js";
import { html } from "../../lib/preact.js";
import { Bar } from "./bar.js";
import { badge, badgeKind } from "./tones.js";

const NOTES = {
  open: ["not ended", "This span has not ended."],
  untimed: ["no time", "It has no start, or ends before it begins."],
  orphan: ["parent missing", "Its parent has not arrived."],
  cycle: ["cycle", "Its parents form a cycle, which is cut here."],
};

/** The share of the trace from which a span on the critical path stands out. */
const HEAVY = 0.05;

/**
 * row: of the API; undefined while it is loaded. index, total: its place. indent: pixels for each level.
 * The rest: see `Waterfall`.
 */
export function Row({ row, index, total, height, indent, selected, scale, tone, critical, width, onSelect, onToggle }) {
  const at = { top: `${index * height}px` };
  const shared = { role: "row", id: `row-${index}`, "aria-rowindex": index + 1, style: at };
  if (!row) return html`<div ...${shared} class="row is-blank"><div role="gridcell" class="row-name"><span class="row-wait"></span></div></div>`;
  const failed = row.status === "error";
  const classes = `row ${selected ? "is-selected" : ""} ${failed ? "is-failed" : ""} ${row.match ? "is-match" : ""} ${critical && row.critical_ns > HEAVY * scale.total ? "is-heavy" : ""}`;
  const toggle = (event) => { event.stopPropagation(); onToggle(row, index); };
  return html`<div ...${shared} class=${classes} aria-level=${row.depth + 1} aria-selected=${selected}
      aria-expanded=${row.children ? !row.collapsed : undefined} onClick=${() => onSelect(row, index)}>
    <div role="gridcell" class="row-name" style=${{ "--level": row.depth, "--indent": `${indent}px` }}>
      <span class="row-guides" aria-hidden="true"></span>
      <span class="row-caret ${row.children ? "" : "is-leaf"}" aria-hidden="true" onClick=${row.children ? toggle : undefined}>
        ${row.children ? html`<svg viewBox="0 0 10 10"><path d=${row.collapsed ? "M3 1 8 5 3 9Z" : "M1 3 5 8 9 3Z"} /></svg>` : ""}</span>
      <span class="row-tone" style=${{ "--tone": tone(row.service) }} aria-hidden="true"></span>
      ${failed && html`<span class="row-cross" role="img" aria-label="failed">✕</span>`}
      <span class="row-title" title="${row.name} · ${row.service}">${row.name}</span>
      ${row.op && html`<span class="op ${badgeKind(row.op)}" title=${row.op}>${badge(row.op, row.name)}</span>`}
      ${row.enters && html`<span class="row-service">${row.service}</span>`}
      <${Chips} row=${row} />
    </div>
    <div role="gridcell" class="row-self number">${row.note ? "" : duration(row.self_ns)}</div>
    <div role="gridcell" class="row-time number">${row.note === "open" ? "open" : row.note === "untimed" ? "?" : duration(row.duration_ns)}</div>
    <div role="gridcell" class="row-track"><span class="unseen">${spoken(row, index, total)}</span><${Bar} ...${{ row, scale, critical, width }} tone=${tone(row.service)} /></div>
  </div>`;
}

function Chips({ row }) {
  const note = NOTES[row.note];
  return html`${row.collapsed && html`<span class="chip" title="${row.children} spans below it are hidden">+${count(row.children)}</span>`}
    ${row.errors_below > 0 && html`<span class="chip is-bad" title="failed spans below it">✕ ${count(row.errors_below)}</span>`}
    ${row.link_count > 0 && html`<span class="chip is-info" title="links to spans of other traces">⇄ ${row.link_count}</span>`}
    ${row.moved_ns !== 0 && html`<span class="chip is-warn" title="Its clock differs: moved by ${duration(row.moved_ns)}.">clock</span>`}
    ${note && html`<span class="chip is-warn" title=${note[1]}>${note[0]}</span>`}`;
}

/** What the bar shows, in words. */
function spoken(row, index, total) {
  const parts = [`${index + 1} of ${total}, begins at ${duration(row.offset_ns)}`];
  if (row.critical_ns) parts.push(`${duration(row.critical_ns)} on the critical path`);
  if (row.way) parts.push(`${duration(row.way.total_ns)} on the way`);
  if (row.mark_count) parts.push(`${row.mark_count} events and log records`);
  return parts.join(", ");
}
