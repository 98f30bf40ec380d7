// The worst cell of the chosen time, in one sentence: platform and region whose requests are slowest, by how much, where.
import { useAnswer } from "../lib/api.js";
import { asked, link } from "../lib/address.js";
import { html } from "../lib/preact.js";

/** address: what is shown. Nothing where no cell is worse than the rest. */
export function Worst({ address }) {
  const { since, until, operation, version } = asked(address);
  const { answer } = useAnswer("/api/worst", { since, until, operation, version });
  const worst = answer?.worst;
  if (!worst) return null;
  const chosen = address.query.platform === worst.platform && address.query.region === worst.region;
  const to = link("/summary", { platform: worst.platform, region: worst.region, operation: worst.operation });
  const [word, tone] = { true: ["new", "is-bad"], false: ["not clearly new", ""] }[worst.is_new] ?? [];
  return html`<p class="notice ${worst.is_new === false ? "" : "is-worst"}" role="status">${worst.is_new !== false && html`<span class="mark" aria-hidden="true">▲</span>`}
    ${chosen ? html`<span><${Sentence} text=${worst.sentence} /></span>` : html`<a href=${to}><${Sentence} text=${worst.sentence} /></a>`}
    ${" "}<span class="quiet">of ${worst.operation}</span>${word && html` <span class="chip ${tone}">${word}</span>`}</p>`;
}

/** What stands between backticks is a name. */
function Sentence({ text }) {
  return text.split("`").map((part, index) => (index % 2 ? html`<code>${part}</code>` : part));
}
