// The colour of each service of a trace: by its order in the tree, so that neighbours differ. Its name stands beside it.

const TONES = 8;

/** A function from a service's name to its colour, as a value of CSS. */
export function tonesOf(services) {
  const order = new Map(services.map(({ service }, index) => [service, index]));
  return (service) => `var(--tone-${((order.get(service) ?? services.length) % TONES) + 1})`;
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
