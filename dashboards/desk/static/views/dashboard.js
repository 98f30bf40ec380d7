// Not drawn yet.
import { Empty } from "../components/state.js";
import { html } from "../lib/preact.js";

/** address: what is shown. */
export default function View() {
  return html`<${Empty} title="This view is not here yet" />`;
}
