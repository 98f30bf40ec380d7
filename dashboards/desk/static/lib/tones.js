// Colours of stages, services and outcomes: the same name has the same colour in every view.

const TONES = 8;
/** What the demo and most search pipelines call their services and stages; others get a colour by their name. */
const KNOWN = {
  client: 6, browser: 6, pamazon: 6, gateway: 1, clip_encoder: 2, qdrant_indexer: 3, qdrant: 7,
  transit: 6, "on the way": 6, server: 1, endpoint: 8, encode: 2, inference: 4, txt_minibatch_encoding: 5, img_minibatch_encoding: 5,
  forward: 4, preprocess: 7, queue: 7, qdrant_search: 3, qdrant_index: 3,
};
export const OUTCOMES = { ok: "good", error: "bad", rejected: "warn", cancelled: "tone-6", empty: "tone-8" };

/** The name of a colour in tokens.css for a service or a stage. */
export function toneOf(name) {
  if (Object.hasOwn(KNOWN, name)) return `tone-${KNOWN[name]}`;
  let sum = 7;
  for (const letter of String(name)) sum = (sum * 31 + letter.codePointAt(0)) >>> 0;
  return `tone-${(sum % TONES) + 1}`;
}

/** Colours of several names side by side: each has its own of `toneOf`, or the next that is free. A map from name to tone. */
export function tonesApart(names) {
  const taken = new Map();
  for (const name of names) {
    let number = Number(toneOf(name).slice("tone-".length));
    const used = new Set(taken.values());
    for (let tried = 0; used.has(`tone-${number}`) && tried < TONES; tried += 1) number = (number % TONES) + 1;
    taken.set(name, `tone-${number}`);
  }
  return taken;
}

const PERCENTILES = [["p50", "p50", [2, 3]], ["p95", "p95", undefined], ["p99", "p99", [6, 3]]];

/** The series of a chart of percentiles, of `/api/summary`'s answer: of the service, and what clients waited. */
export function percentiles(answer) {
  const served = PERCENTILES.map(([name, tone, dash]) => ({ name, tone, dash, values: answer[`${name}_ns`] }));
  const waited = answer.client_p95_ns ?? [];
  if (!waited.some((value) => value != null)) return served;
  return [...served, { name: "client p95", tone: "tone-3", dash: [8, 3], values: waited }];
}
