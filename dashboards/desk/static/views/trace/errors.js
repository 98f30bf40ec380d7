// The failed spans of a trace, one after the other. In: which one is selected. Out: the next one's id. State: their ids.
import { ask, urlOf } from "../../lib/api.js";
import { useRef } from "../../lib/preact.js";

const MOST = 200;

/** A function that resolves to the id of the failed span after the one with an id; null if none failed. */
export function useNextError(path, version) {
  const kept = useRef({ key: null, ids: [] }).current;
  return async (id) => {
    const key = `${path} ${version}`;
    if (kept.key !== key) {
      const { rows } = await ask(urlOf(path, { only: "errors", limit: MOST }));
      Object.assign(kept, { key, ids: rows.filter((row) => row.status === "error").map((row) => row.span_id) });
    }
    return kept.ids.length ? kept.ids[(kept.ids.indexOf(id) + 1) % kept.ids.length] : null;
  };
}
