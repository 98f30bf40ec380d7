// Traces: all of the chosen time that match, latest or longest first, by stage; more as one asks for them.
import { StageLegend } from "../components/stage_bar.js";
import { Answered, EmptyRange } from "../components/state.js";
import { TraceTable } from "../components/trace_table.js";
import { asked, change } from "../lib/address.js";
import { ask, urlOf, useAnswer } from "../lib/api.js";
import { plural } from "../lib/format.js";
import { html, useEffect, useState } from "../lib/preact.js";

const ROWS = 50;

/** address: what is shown; `order` (`start`, `duration`) is of this view. */
export default function View({ address }) {
  const order = address.query.order === "duration" ? "duration" : "start";
  const batches = address.query.batches === "true";
  const parameters = asked(address, { order, stages: true, batches, limit: ROWS });
  const first = useAnswer("/api/traces", parameters);
  const more = useMore(first, parameters);
  const rows = [...(first.answer?.traces ?? []), ...more.rows];
  return html`<div class="view-head"><h1>Traces</h1>
      <div class="switch" role="group" aria-label="Order">${[["start", "Latest"], ["duration", "Longest"]].map(([key, title]) => html`<button type="button" key=${key} aria-pressed=${order === key} onClick=${() => reorder(key)}>${title}</button>`)}</div>
      <label class="check"><input type="checkbox" checked=${batches} onChange=${(event) => change({ batches: event.target.checked ? "true" : null }, { replace: true })} /> with batches</label>
      <span class="end"><${StageLegend} rows=${rows} /></span></div>
    <section class="card"><${Answered} of=${first} empty=${(answer) => answer.traces.length === 0} nothing=${html`<${EmptyRange} what="No traces in this time" />`}>
      ${() => html`<${TraceTable} caption="Traces" rows=${rows} order=${order} onOrder=${reorder} />
        <p class="card-foot">${plural(rows.length, "trace")} shown.${more.next ? html` <button type="button" disabled=${more.loading} onClick=${more.load}>Show more</button>` : ""}
          ${more.error && html` <span class="is-bad" role="alert">${more.error.message} ${more.error.hint}</span>`}</p>`}<//></section>`;
}

const reorder = (key) => change({ order: key === "start" ? null : key }, { replace: true });

/** The pages after the first; a new first page starts afresh. */
function useMore(first, parameters) {
  const [state, setState] = useState({ of: null, rows: [], next: null, error: null });
  const [loading, setLoading] = useState(false);
  useEffect(() => setState({ of: first.answer, rows: [], next: first.answer?.next ?? null, error: null }), [first.answer]);
  const load = async () => {
    setLoading(true);
    try {
      const page = await ask(urlOf("/api/traces", { ...parameters, before: state.next }));
      setState((before) => (before.of === state.of ? { ...before, rows: [...before.rows, ...page.traces], next: page.next, error: null } : before));
    } catch (error) {
      setState((before) => ({ ...before, error }));
    } finally {
      setLoading(false);
    }
  };
  return { ...(state.of === first.answer ? state : { rows: [], next: null }), load, loading };
}
