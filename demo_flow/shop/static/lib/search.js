// Asks the gateway, and measures what the browser can: how long it waited.
//
// In: a query, a person, the telemetry. Out: an `Answer`, also of failures. State: none.

/** One query: `text`, or `like` (the id of a good), or `file`; `threshold` where the shop's own is not wanted. */
const body = ({ text, like, file }) =>
  file
    ? { body: file, headers: { "Content-Type": file.type } }
    : { body: JSON.stringify(like ? { like } : { text }), headers: { "Content-Type": "application/json" } };

/**
 * Search once. Returns `{ok, results, below, error, traceId, took}`; `took` has what is known of the time in
 * milliseconds: `total` as this browser waited, `way`, `link` (the part of the way that is simulated), `gateway`,
 * `encode`, `search` as the gateway measured them. Throws AbortError alone.
 */
export async function search(query, person, telemetry, signal) {
  const begun = performance.now();
  const url = query.threshold === undefined ? "/api/search" : `/api/search?threshold=${query.threshold}`;
  try {
    const answer = await fetch(url, { method: "POST", ...body(query), signal });
    const content = await answer.json();
    const total = performance.now() - begun;
    telemetry.measured(total, person, ...outcome(answer));
    return { ok: answer.ok, ...understood(content), took: took(total, content.took) };
  } catch (error) {
    const total = performance.now() - begun;
    const gone = error.name === "AbortError";
    telemetry.measured(total, person, gone ? "cancelled" : "error", gone ? null : error.name);
    if (gone) throw error;
    return { ok: false, results: [], below: 0, error: SILENT, traceId: null, took: took(total, {}) };
  }
}

const SILENT = {
  code: "NO ANSWER",
  message: "The shop does not answer.",
  hint: "Is it open? pamazon up opens it; then search again.",
};

function outcome(answer) {
  if (answer.ok) return ["ok"];
  return answer.status >= 500 || answer.status === 429 ? ["error", String(answer.status)] : ["rejected"];
}

function understood(content) {
  return {
    results: content.results ?? [],
    below: content.below_threshold ?? 0,
    error: content.error ?? null,
    traceId: content.trace_id ?? null,
  };
}

/** The gateway's own time is what is left of its total; the way's what is left of the browser's. */
function took(total, measured = {}) {
  const { total_ms: inside, encode_ms: encode, search_ms: search, link_ms: link } = measured;
  if (inside === undefined) return { total };
  const gateway = Math.max(0, inside - (encode ?? 0) - (search ?? 0));
  return { total, way: Math.max(0, total - inside), link: link ?? 0, gateway, encode, search };
}
