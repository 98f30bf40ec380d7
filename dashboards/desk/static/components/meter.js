// A share of a whole as a bar behind its number.
import { share } from "../lib/format.js";
import { html } from "../lib/preact.js";

/** ratio: of one. most: the ratio that fills the bar. tone: a colour's name in tokens.css. text: instead of the ratio. */
export function Meter({ ratio, most = 1, tone = "accent", text }) {
  const filled = most > 0 ? Math.min(1, Math.max(0, (ratio ?? 0) / most)) : 0;
  return html`<span class="meter"><span class="meter-track" aria-hidden="true"><i style=${{ width: `${filled * 100}%`, background: `var(--${tone})` }}></i></span>
    <span class="meter-text">${text ?? share(ratio)}</span></span>`;
}
