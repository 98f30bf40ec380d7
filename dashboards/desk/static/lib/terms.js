// Terms of the filter in the address, as a click adds and takes them away. State: none.
import { change } from "./address.js";

const padded = (text) => ` ${text ?? ""} `;

/** Whether a filter has a term. */
export const hasTerm = (filter, term) => term !== "" && padded(filter).includes(padded(term));

/** Add a term to the filter in the address, or take it away. */
export function toggleTerm(address, term) {
  const { filter = "" } = address.query;
  const left = padded(filter).replace(padded(term), " ").trim();
  change({ filter: hasTerm(filter, term) ? left : `${filter} ${term}`.trim() });
}
