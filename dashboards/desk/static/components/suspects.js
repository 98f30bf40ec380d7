// Not drawn yet.
import { Empty } from "./state.js";
import { html } from "../lib/preact.js";

/** address: what is shown. */
export function Suspects() {
  return html`<${Empty} title="Not here yet" />`;
}
