// What may be chosen on a board beside the bar: the flow, the operation, a stage, a collection.
import { html } from "../../lib/preact.js";
import { useValues } from "./variables.js";

const BAR = ["platform", "region", "version"];

/** variables: of `useVariables`. */
export function Choices({ board, variables }) {
  const own = board.variables.filter((each) => !BAR.includes(each.name));
  const missing = BAR.filter((name) => !board.variables.some((each) => each.name === name));
  return html`<div class="board-choices">
    ${own.map((variable) => html`<${Choice} key=${variable.name} ...${{ variable, variables }} />`)}
    ${missing.length > 0 && html`<span class="faint" title="These metrics do not say who asked">of every ${missing.join(" and ")}</span>`}
  </div>`;
}

function Choice({ variable, variables }) {
  const values = useValues(variable, variables) ?? [];
  const chosen = variables.chosen[variable.name];
  const known = chosen && !values.includes(chosen) ? [chosen, ...values] : values;
  if (!chosen && known.length < 2) return null;
  const onChange = (event) => variables.choose(variable.name, event.target.value || (variable.first ? "*" : null));
  return html`<label class="choice ${chosen ? "is-chosen" : ""}"><span class="choice-name">${variable.title.toLowerCase()}</span>
    <select value=${chosen} onChange=${onChange}><option value="">all</option>
      ${known.map((value) => html`<option key=${value} value=${value}>${value}</option>`)}</select></label>`;
}
