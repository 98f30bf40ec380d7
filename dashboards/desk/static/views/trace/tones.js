// The colour of each service of a trace: its usual one, or another, so that neighbours differ. Its name stands beside it.
import { toneOf, tonesApart } from "../../lib/tones.js";

/** A function from a service's name to its colour, as a value of CSS. */
export function tonesOf(services) {
  const tones = tonesApart(services.map(({ service }) => service));
  return (service) => `var(--${tones.get(service) ?? toneOf(service)})`;
}

/** The badge of an operation: `rpc`, `db`, `search.endpoint`; of a stage `search`, as its name stands beside it. */
export function badge(op, name) {
  if (op.startsWith("rpc")) return "rpc";
  return op === `search.${name}` ? "search" : op;
}

/** The class of a badge's colour. */
export function badgeKind(op) {
  if (op.startsWith("rpc")) return "is-rpc";
  return op.startsWith("search") ? "is-search" : "is-db";
}
