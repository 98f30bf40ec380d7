// Terms of the filter in the address, as a click adds and takes them away. State: none.
import { change } from "./address.js";

const padded = (text) => ` ${text ?? ""} `;

/** A term: `service=gateway`; a value that is not a plain word is quoted. */
export function term(key, value) {
  const plain = /^[\w./:@-]+$/.test(value);
  return `${key}=${plain ? value : `"${String(value).replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`}`;
}

/** The terms for requests that have a span of this name in this service. */
export const spanTerms = ({ operation, service }) => `${term("operation", operation)} ${term("service", service)}`;

/** Whether a filter has a term. */
export const hasTerm = (filter, term) => term !== "" && padded(filter).includes(padded(term));

/** The filter in an address, with a term more. */
export function withTerm({ query }, added) {
  const { filter = "" } = query;
  return hasTerm(filter, added) ? filter : `${filter} ${added}`.trim();
}

/** Add a term to the filter in the address, or take it away. */
export function toggleTerm(address, term) {
  const { filter = "" } = address.query;
  const left = padded(filter).replace(padded(term), " ").trim();
  change({ filter: hasTerm(filter, term) ? left : `${filter} ${term}`.trim() });
}
