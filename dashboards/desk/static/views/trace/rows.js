// The rows of a trace, loaded in pages as they come into sight.
//
// In: a question and which rows are seen. Out: rows by index. State: the pages of the question; when the question changes,
// the old rows stay until the first new ones are there, so that nothing flickers.
import { ask, urlOf } from "../../lib/api.js";
import { useEffect, useReducer, useRef } from "../../lib/preact.js";

const PAGE = 100;

/** The pages of one question. `changed` is called when one arrives. */
class Pages {
  constructor(url, changed) {
    Object.assign(this, { url, changed, head: null, error: null, pages: new Map(), underWay: new Map() });
  }

  row(index) {
    return this.pages.get(Math.floor(index / PAGE))?.[index % PAGE];
  }

  /** Load what is missing from row `first` to row `last`; stop loading what is not seen any more. */
  need(first, last) {
    const wanted = [];
    for (let page = Math.floor(first / PAGE); page <= Math.floor(last / PAGE); page += 1) wanted.push(page);
    for (const [page, aborter] of this.underWay) if (!wanted.includes(page)) this.abort(page, aborter);
    for (const page of wanted) if (!this.pages.has(page) && !this.underWay.has(page)) this.load(page);
  }

  async load(page) {
    const aborter = new AbortController();
    this.underWay.set(page, aborter);
    try {
      const { rows, ...head } = await ask(`${this.url}&offset=${page * PAGE}&limit=${PAGE}`, aborter.signal);
      Object.assign(this, { head, error: null });
      this.pages.set(page, rows);
    } catch (error) {
      if (error.name === "AbortError") return;
      this.error = error;
    } finally {
      if (this.underWay.get(page) === aborter) this.underWay.delete(page);
    }
    this.changed();
  }

  abort(page, aborter) {
    aborter.abort();
    this.underWay.delete(page);
  }

  stop() {
    this.changed = () => {};
    for (const [page, aborter] of this.underWay) this.abort(page, aborter);
  }
}

/**
 * The rows of a trace.
 *
 * path: of the API. asked: its parameters. version: changes when the trace has changed in the store.
 * Returns `{ row(index), need(first, last), head, error, loading, key, revealed }`: `head` is what the API says beside the
 * rows, `key` is null while they are those of an older question, `revealed` is the id whose row was asked for.
 */
export function useRows(path, asked, version) {
  const url = urlOf(path, { as_sent: false, ...asked });
  const key = `${url} ${version}`;
  const kept = useRef({ key: null, path: null, asked: null, shown: null }).current;
  const [, redraw] = useReducer((turn) => turn + 1, 0);
  if (kept.key !== key) {
    kept.asked?.stop();
    if (kept.path !== path) kept.shown = null;
    Object.assign(kept, { key, path, asked: new Pages(url, redraw) });
  }
  if (kept.asked.head || !kept.shown) kept.shown = kept.asked;
  useEffect(() => () => kept.asked.stop(), []);
  return {
    row: (index) => kept.shown.row(index),
    need: (first, last) => kept.asked.need(first, last),
    head: kept.shown.head,
    error: kept.asked.error,
    loading: !kept.asked.head,
    key: kept.shown === kept.asked ? key : null,
    revealed: asked.reveal ?? null,
  };
}
