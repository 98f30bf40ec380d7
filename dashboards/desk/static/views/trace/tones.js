// The colour of each service of a trace: by its order in the tree, so that neighbours differ. Its name stands beside it.

const TONES = 8;

/** A function from a service's name to its colour, as a value of CSS. */
export function tonesOf(services) {
  const order = new Map(services.map(({ service }, index) => [service, index]));
  return (service) => `var(--tone-${((order.get(service) ?? services.length) % TONES) + 1})`;
}

/** The badge of an operation: `rpc`, `db`, `search.encode`; rpc's two sides are told apart by the bars. */
export const badge = (op) => (op.startsWith("rpc") ? "rpc" : op);

/** The class of a badge's colour. */
export const badgeKind = (op) => (op.startsWith("rpc") ? "is-rpc" : op.startsWith("search") ? "is-search" : op ? "is-db" : "");
