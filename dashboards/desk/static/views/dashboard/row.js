// A row of panels under its title; one that another program measures is told in a line.
import { html } from "../../lib/preact.js";
import { Panel } from "./panel.js";

/** row: of a board; address, variables, marks: what is shown. */
export function Row({ row, address, variables, marks }) {
  const programs = new Set(row.panels.map((panel) => panel.program ?? ""));
  const [program] = programs;
  if (programs.size === 1 && program) {
    return html`<section class="board-row is-elsewhere"><h2>${row.title}</h2>
      <p class="faint">${plural(row.panels.length)} of ${program}, whose metrics this store does not get. Grafana shows them: telemetry stack up.</p></section>`;
  }
  return html`<section class="board-row"><h2>${row.title}</h2>
    <div class="board-grid">${row.panels.map((panel) => html`<${Panel} key=${panel.title} ...${{ panel, address, variables, marks }} />`)}</div></section>`;
}

const plural = (number) => (number === 1 ? "A panel" : `${number} panels`);
