// The last value of each series, as a bar.
import { html } from "../../lib/preact.js";
import { nameOf } from "./answers.js";
import { linksOf } from "./links.js";
import { Menu } from "./menu.js";
import { toneAt, unitOf } from "./units.js";

/** panel, answers: of a panel of bars. */
export function Bars({ panel, answers, variables }) {
  const all = panel.queries.flatMap((query, index) => answers[index].map((each) => ({ ...each, query, name: nameOf(query, each.metric) })));
  const most = panel.most ?? (Math.max(...all.map((each) => each.value)) || 1);
  return html`<dl class="bars">${all.sort((a, b) => a.name.localeCompare(b.name)).map((each) => html`<div key=${each.name}>
    <dt class="cut"><${Menu} title=${`From ${each.name}`} links=${linksOf(panel, variables, each.metric)}>${each.name}<//></dt>
    <dd><span class="bars-place"><span class="bars-bar is-${toneAt(panel.steps, each.value) ?? "accent"}" style=${{ width: `${Math.max(0, Math.min(1, each.value / most)) * 100}%` }}></span></span>
      <b class="tone-${toneAt(panel.steps, each.value) ?? "text"}">${unitOf(panel.unit).write(each.value)}</b></dd></div>`)}</dl>`;
}
