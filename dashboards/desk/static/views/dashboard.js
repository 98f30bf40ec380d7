// The boards: the same panels as in Grafana, in the same order, on the store's own metrics.
//
// In: `boards.json`, which is generated from the source of all boards, and the address. Out: a board. State: the loaded
// file; what is chosen is in the address, as `var-stage=…` where the bar above has no place for it.
import { Empty, Loading, Problem } from "../components/state.js";
import { ask } from "../lib/api.js";
import { link } from "../lib/address.js";
import { html, useEffect, useState } from "../lib/preact.js";
import { style } from "../lib/style.js";
import { Choices } from "./dashboard/choices.js";
import { useMarks } from "./dashboard/marks.js";
import { Row } from "./dashboard/row.js";
import { useVariables } from "./dashboard/variables.js";

const FIRST = "search-overview";
let loaded = null;

/** address: what is shown; its id is a board's. */
export default function View({ address }) {
  const [file, setFile] = useState(loaded);
  const [error, setError] = useState(null);
  useEffect(() => {
    if (loaded) return;
    const source = new URL("../boards.json", import.meta.url).href;
    Promise.all([ask(source), style(import.meta.url)]).then(([found]) => setFile((loaded = numbered(found))), setError);
  }, []);
  if (error) return html`<${Problem} error=${error} />`;
  if (!file) return html`<${Loading} />`;
  const board = file.boards.find((each) => each.uid === (address.id || FIRST));
  if (!board) return html`<${Empty} title="There is no such board"><p><a href=${link(`/dashboard/${FIRST}`)}>Search overview</a></p><//>`;
  return html`<${Board} key=${board.uid} ...${{ board, boards: file.boards, address }} />`;
}

/** The file, with each panel's place on its board as its `order`. */
function numbered(file) {
  for (const board of file.boards) board.rows.flatMap((row) => row.panels).forEach((panel, order) => { panel.order = order; });
  return file;
}

function Board({ board, boards, address }) {
  const variables = useVariables(board, address);
  const marks = useMarks(board, address, variables);
  return html`<article class="board">
    <div class="view-head">
      <nav class="switch board-switch" aria-label="Boards">${boards.map((each) => html`<a key=${each.uid} href=${link(`/dashboard/${each.uid}`)}
        aria-current=${each.uid === board.uid ? "page" : undefined}>${each.title}</a>`)}</nav>
      <h1 class="unseen">${board.title}</h1>
      <p class="quiet board-question">${board.question}</p>
      <${Choices} ...${{ board, variables }} />
    </div>
    ${board.rows.map((row) => html`<${Row} key=${row.title} ...${{ row, address, variables, marks }} />`)}
  </article>`;
}
