// The last values, a row for each set of labels, a column for each query; a row leads to its traces.
import { Table } from "../../components/table.js";
import { html, useState } from "../../lib/preact.js";
import { linksOf } from "./links.js";
import { Menu } from "./menu.js";
import { toneAt, unitOf, wordOf } from "./units.js";

/** panel, answers: of a table. */
export function PanelTable({ panel, answers, variables }) {
  const [order, setOrder] = useState(panel.sort ?? "");
  const rows = sorted(panel, rowsOf(panel, answers), order);
  const counted = panel.queries.findIndex((query) => query.title === panel.grayBelow?.title);
  const isFew = (row) => counted >= 0 && !(row.values[counted] >= panel.grayBelow.value); // too few to judge by
  const first = (row) => linksOf(panel, variables, row.metric)[0]?.href;
  const columns = [
    ...panel.labels.map((label) => ({ key: label.title, title: label.title, sort: true, cell: (row) => html`<span class=${isFew(row) ? "is-few" : ""}>${cut(row.metric[label.name])}</span>` })),
    ...panel.queries.map((query, index) => ({ key: query.title, title: query.title, number: true, sort: true, query, index, cell: (row) => html`<${Value} ...${{ panel, query, value: row.values[index], few: isFew(row) }} />` })).filter(({ query }) => !query.hidden),
    { key: "links", title: html`<span class="unseen">Links</span>`, cell: (row) => html`<${Menu} className="is-left" title="Where this row leads" links=${linksOf(panel, variables, row.metric)} />` },
  ];
  return html`<${Table} caption=${panel.title} columns=${columns} rows=${rows} order=${order} onOrder=${setOrder} keyOf=${(row) => row.key} href=${first} />`;
}

const cut = (text) => (text?.length > 24 ? html`<span title=${text}>${text.slice(0, 8)}…</span>` : text || "–");

function Value({ panel, query, value, few }) {
  if (value === undefined) return html`<span class="faint">–</span>`;
  const tone = few ? "text-faint" : toneAt(query.steps ?? panel.steps, value);
  const word = wordOf(tone);
  return html`<span class=${tone ? `tone-${tone}` : ""}>${unitOf(query.unit ?? panel.unit).write(value)}${word && html`<span class="unseen"> ${word}</span>`}</span>`;
}

/** The answers of all queries, joined by the labels of the table. */
function rowsOf(panel, answers) {
  const rows = new Map();
  answers.forEach((series, index) => series.forEach(({ metric, value }) => {
    const key = panel.labels.map((label) => metric[label.name] ?? "").join("\n");
    if (!rows.has(key)) rows.set(key, { key, metric, values: [] });
    rows.get(key).values[index] = value;
  }));
  return [...rows.values()];
}

/** The highest value of a column first, labels from a to z; rows with too few to judge by stand last. */
function sorted(panel, rows, order) {
  const label = panel.labels.find((each) => each.title === order);
  const column = panel.queries.findIndex((query) => query.title === order);
  const names = (row) => panel.labels.map((each) => row.metric[each.name] ?? "").join("\n");
  return rows.sort((a, b) => {
    if (column >= 0) return (b.values[column] ?? -Infinity) - (a.values[column] ?? -Infinity) || names(a).localeCompare(names(b));
    return label ? (a.metric[label.name] ?? "").localeCompare(b.metric[label.name] ?? "") || names(a).localeCompare(names(b)) : names(a).localeCompare(names(b));
  });
}
