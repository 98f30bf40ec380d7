// A name of parts, such as `gen_ai.operation.name`, whose lines break between the parts; what is copied is the name.
import { html } from "../lib/preact.js";

/** of: the name. */
export function Name({ of }) {
  return of.split(/(?<=[._/])(?=\w)/).map((part, index) => (index ? html`<wbr />${part}` : part));
}
