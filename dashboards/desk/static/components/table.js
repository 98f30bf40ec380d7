// A table whose rows lead somewhere. In: columns and rows. Out: markup. State: none; the order is the caller's.
import { html } from "../lib/preact.js";

/**
 * caption: what the table lists, for screen readers.
 * columns: `[{ key, title, hint, number, wide, sort, cell }]`: `cell(row)` returns what is shown; `number` aligns to the
 *   right; `wide` takes the room that is left; `sort` makes the title a button that calls `onOrder(key)`.
 * rows, keyOf: rows and their keys. href: from a row to its link; the first column with `link: true`, else the first,
 *   carries it, and a click anywhere in the row follows it.
 * order: the key by which rows are sorted now. selected: the key of a row to mark. wide: let it scroll sideways.
 */
export function Table({ caption, columns, rows, keyOf = (row) => row.key, href, order, onOrder, selected }) {
  const linked = Math.max(0, columns.findIndex((column) => column.link));
  return html`<div class="table-place" tabindex="0" role="region" aria-label=${caption}>
    <table class="table">
      <caption class="unseen">${caption}</caption>
      <thead><tr>${columns.map((column) => html`<${Head} key=${column.key} ...${{ column, order, onOrder }} />`)}</tr></thead>
      <tbody onKeyDown=${moveAmongRows}>${rows.map((row) => {
        const to = href?.(row);
        const key = keyOf(row);
        return html`<tr key=${key} class=${to ? "is-link" : ""} aria-current=${selected !== undefined && selected === key ? "true" : undefined}>
          ${columns.map((column, index) => html`<td key=${column.key} class=${classOf(column)}>
            ${to && index === linked ? html`<a class="row-link" href=${to}>${column.cell(row)}</a>` : column.cell(row)}</td>`)}</tr>`;
      })}</tbody>
    </table>
  </div>`;
}

function Head({ column, order, onOrder }) {
  const sorted = order === column.key;
  const label = html`${column.title}${column.sort && html`<span aria-hidden="true">${sorted ? " ↓" : ""}</span>`}`;
  return html`<th scope="col" class=${classOf(column)} title=${column.hint} aria-sort=${sorted ? "descending" : undefined}>
    ${column.sort ? html`<button type="button" class="plain" onClick=${() => onOrder(column.key)}>${label}</button>` : label}</th>`;
}

const classOf = (column) => [column.number && "number", column.wide && "wide", column.className].filter(Boolean).join(" ") || undefined;

/** Arrow keys go from a row's link to the next one's. */
function moveAmongRows(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !event.target.matches?.(".row-link")) return;
  const links = [...event.currentTarget.querySelectorAll(".row-link")];
  const next = links[links.indexOf(event.target) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
