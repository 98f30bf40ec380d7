// Follows a list of the API as it grows: what is there now, then what arrives, as long as one looks.
import { ask, urlOf } from "./api.js";
import { useEffect, useState } from "./preact.js";

const WAIT = "20s";
const MOST_ROWS = 1_000;
const REST_MS = 2_000;

/**
 * path: of a list that takes `after` and `wait`. name: of its rows in the answer. parameters: of the question;
 * other ones begin anew, so a time is an age. on: whether to follow.
 * Returns `{ rows, error, fresh }`: rows latest first, and how many of them arrived with the last answer.
 */
export function useFollowed(path, name, parameters, on) {
  const url = urlOf(path, parameters);
  const [state, setState] = useState({ of: null, rows: null, error: null, fresh: 0 });
  useEffect(() => {
    if (!on) return undefined;
    const aborter = new AbortController();
    follow(path, name, parameters, aborter.signal, (change) => setState((before) => ({ of: url, ...change(before.of === url ? before : { rows: null }) })));
    return () => aborter.abort();
  }, [url, on]);
  return on && state.of === url ? state : { rows: null, error: null, fresh: 0 };
}

async function follow(path, name, parameters, signal, update) {
  let after = "now";
  let failed = false;
  while (!signal.aborted) {
    try {
      const first = after === "now";
      const found = await ask(urlOf(path, { ...parameters, after, wait: first || failed ? null : WAIT, limit: first ? 200 : null }), signal);
      ({ after } = found);
      failed = false;
      const rows = first ? found[name] : [...found[name]].reverse();
      update((before) => ({ rows: [...rows, ...(first ? [] : (before.rows ?? []))].slice(0, MOST_ROWS), error: null, fresh: first ? 0 : rows.length }));
    } catch (error) {
      if (signal.aborted) return;
      update((before) => ({ rows: before.rows ?? null, error, fresh: 0 }));
      failed = true; // the next question is answered at once: then the error goes
      after = error.status === 400 ? "now" : after;
      await new Promise((resolve) => setTimeout(resolve, REST_MS));
    }
  }
}
