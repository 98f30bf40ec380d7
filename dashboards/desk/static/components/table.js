// A table whose rows lead somewhere. In: columns and rows. Out: markup. State: none; the order is the caller's.
import { useKeys } from "../lib/keyboard.js";
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
  useKeys(href ? ROW_KEYS : {});
  const linked = Math.max(0, columns.findIndex((column) => column.link));
  return html`<div class="table-place" tabindex="0" role="region" aria-label=${caption}>
    <table class="table">
      <caption class="unseen">${caption}</caption>
      <thead><tr>${columns.map((column) => html`<${Head} key=${column.key} ...${{ column, order, onOrder }} />`)}</tr></thead>
      <tbody>${rows.map((row) => {
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

/** Go to the next row's link, or the previous one's, in the tables of the view; from elsewhere, to the first that is seen. */
function moveAmongRows(step) {
  const links = [...document.querySelectorAll("#view .row-link")];
  const at = links.indexOf(document.activeElement);
  const seen = links.findIndex((each) => each.getBoundingClientRect().bottom > 0);
  const next = at < 0 ? links[Math.max(0, seen)] : links[at + step];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

const ROW_KEYS = {
  ArrowDown: ["next row of a table", () => moveAmongRows(1)],
  ArrowUp: ["previous row of a table", () => moveAmongRows(-1)],
  Enter: ["follow the row", null],
};
