// The colours and words of stages: no two stages of a page look alike, and each looks the same in every view.
//
// In: the names that the API uses. Out: values of CSS, words. State: the colours that other stages have been given.

/** `transit` is drawn as in the trace: hatched. What is in a process around its stages is grey. */
const KNOWN = {
  endpoint: "var(--tone-1)", server: "var(--tone-6)", client: "var(--tone-9)", queue: "var(--tone-11)",
  encode: "var(--tone-2)", txt_minibatch_encoding: "var(--tone-5)", img_minibatch_encoding: "var(--tone-8)",
  inference: "var(--tone-4)", forward: "var(--tone-7)", preprocess: "var(--tone-12)",
  qdrant_search: "var(--tone-3)", qdrant_index: "var(--tone-10)",
  transit: "repeating-linear-gradient(135deg, var(--line-strong) 0 1px, var(--sunken) 1px 4px)", _other: "var(--line-strong)",
};
const WORDS = { transit: "on the way", endpoint: "in the endpoint", server: "in the server", client: "in the client", _other: "around the stages", other: "around the stages" };
const FREE = [7, 12, 11, 8, 10, 4, 5, 2, 9, 3, 1];
const given = new Map();

/** The colour of a stage, as a value of CSS's `background`; the same as long as the page is open. */
export function colourOf(stage) {
  if (Object.hasOwn(KNOWN, stage)) return KNOWN[stage];
  if (!given.has(stage)) given.set(stage, `var(--tone-${FREE[given.size % FREE.length]})`);
  return given.get(stage);
}

/** What people call a stage. */
export const wordsOf = (stage) => (Object.hasOwn(WORDS, stage) ? WORDS[stage] : stage);
