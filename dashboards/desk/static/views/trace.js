// One trace: facts, where the time went, minimap, waterfall, details of a span, log records.
//
// In: the address: the trace, `span` (selected), `q` (searched), `from` and `to` (seen, in nanoseconds from the trace's
// start), `only`, `path=off`, `as_sent`. Out: changes of it. State: collapsed spans, and where the selection is.
import { useAnswer } from "../lib/api.js";
import { change } from "../lib/address.js";
import { html, useCallback, useEffect, useMemo, useState } from "../lib/preact.js";
import { style } from "../lib/style.js";
import { Loading, Problem } from "../components/state.js";
import { Details } from "./trace/details.js";
import { useNextError } from "./trace/errors.js";
import { Head } from "./trace/head.js";
import { useTraceKeys } from "./trace/keys.js";
import { Logs } from "./trace/logs.js";
import { Minimap } from "./trace/minimap.js";
import { useRows } from "./trace/rows.js";
import { scaleOf } from "./trace/scale.js";
import { useSelection } from "./trace/selection.js";
import { tonesOf } from "./trace/tones.js";
import { Tools } from "./trace/tools.js";
import { Legend, Waited } from "./trace/waited.js";
import { Waterfall } from "./trace/waterfall.js";

await style(import.meta.url);

const YOUNG_MS = 15_000;
const AGAIN_MS = 1_500;
const USUAL_NAMES = 40;

/** address: what is shown. */
export default function View({ address }) {
  const asSent = address.query.as_sent === "true";
  const path = `/api/traces/${encodeURIComponent(address.id)}`;
  const found = useAnswer(`${path}/overview`, { as_sent: asSent });
  const waits = useGrowing(found, address.id) && /^[0-9a-f]{32}$/i.test(address.id);
  if (!found.answer && found.error) {
    if (waits && found.error.code === "not_found") return html`<${Loading} what="It is not stored yet: waiting for the trace" />`;
    return html`<${Problem} error=${found.error} reload=${found.reload} />`;
  }
  if (!found.answer) return html`<${Loading} what="Reading the trace" />`;
  return html`<${Trace} key=${address.id} overview=${found.answer} address=${address} path=${path} asSent=${asSent} />`;
}

/** Ask again while the trace is young and may still grow. Returns whether it may. */
function useGrowing(found, id) {
  const opened = useMemo(() => Date.now(), [id]);
  const began = found.answer && found.answer.start_unix_ns / 1e6 + found.answer.duration_ns / 1e6;
  const young = Date.now() - (began ?? opened) < YOUNG_MS && Date.now() - opened < 4 * YOUNG_MS;
  useEffect(() => {
    if (!young || found.loading) return undefined;
    const timer = window.setTimeout(found.reload, AGAIN_MS);
    return () => window.clearTimeout(timer);
  }, [young, found.loading]);
  return young;
}

function Trace({ overview, address, path, asSent }) {
  const { query } = address;
  const shown = { search: query.q ?? "", only: query.only ?? "", critical: query.path !== "off" };
  const scale = useMemo(() => scaleOf(overview.duration_ns, Number(query.from ?? Number.NaN), Number(query.to ?? Number.NaN)), [overview.duration_ns, query.from, query.to]);
  const tone = useMemo(() => tonesOf(overview.services), [overview.services]);
  const [folds, setFolds] = useState({ level: null, toggled: [] });
  const [nameShare, setNameShare] = useState(null);
  const [reveal, setReveal] = useState(/^[0-9a-f]{1,16}$/i.test(query.span ?? "") ? query.span : null);
  const version = `${overview.span_count} ${overview.log_count}`;
  const zoom = scale.zoomed ? { from_ns: Math.round(scale.from), to_ns: Math.round(scale.to) } : {};
  const rows = useRows(`${path}/rows`, {
    as_sent: asSent, search: shown.search, only: shown.only, level: folds.level, toggled: folds.toggled.join(","), reveal, ...zoom,
  }, version);
  const chosen = useSelection(rows, query.span);
  const { selected, select, now } = chosen;
  const look = (id) => { setReveal(id); chosen.expect(id); chosen.open(true); };
  const keep = () => { if (now()?.id) { setReveal(now().id); chosen.expect(now().id); } };
  const nextErrorId = useNextError(`${path}/rows`, version);
  const on = {
    rows, select, scale, shown, now,
    row: () => (now()?.index == null ? null : rows.row(now().index)),
    step: (by) => select(Math.max(0, Math.min((rows.head?.total ?? 1) - 1, (now()?.index ?? -1) + by))),
    up: (row) => row && now().index > 0 && select(parentOf(rows, now().index, row.depth)),
    toggle: (row, index) => {
      setReveal(row.span_id);
      setFolds((before) => folded(before, row, !row.collapsed));
      select(index);
    },
    zoom: (part) => { keep(); change({ from: part?.[0] ?? null, to: part?.[1] ?? null }, { replace: true }); },
    level: (level) => { keep(); setFolds({ level, toggled: [] }); },
    widen: (by) => setNameShare((before) => Math.max(16, Math.min(80, (before ?? USUAL_NAMES) + by))),
    open: () => now() && chosen.open(true),
    close: () => (chosen.opened ? chosen.open(false) : change({ q: null }, { replace: true })),
    nextError: async () => { const id = await nextErrorId(now()?.id); if (id) look(id); },
    match: (step) => {
      const places = rows.head?.matches?.rows ?? [];
      const at = now()?.index ?? -1;
      const next = step > 0 ? places.find((index) => index > at) ?? places[0] : places.findLast((index) => index < at) ?? places.at(-1);
      if (next !== undefined) select(next, true);
    },
  };
  useTraceKeys(on);
  const pick = useCallback((text) => change({ q: text }, { replace: true }), []);
  return html`<div class="trace ${chosen.opened ? "has-details" : ""}">
    <div class="trace-main">
      <${Head} overview=${overview} asSent=${asSent} onError=${on.nextError} />
      <${Waited} ...${{ overview, tone }} onPick=${pick} />
      <section class="card trace-card" aria-label="Waterfall">
        <${Legend} ...${{ overview, tone }} onPick=${pick} />
        <${Minimap} ...${{ overview, scale, tone }} critical=${shown.critical} onZoom=${on.zoom} />
        <${Tools} ...${{ shown, scale }} head=${rows.head} spanCount=${overview.span_count} onMatch=${on.match} onZoom=${on.zoom} onLevel=${on.level} />
        ${rows.error && html`<${Problem} error=${rows.error} />`}
        ${rows.head?.total === 0 && html`<p class="trace-none faint">No span is of this kind. <button type="button" class="plain copy" onClick=${() => change({ q: null, only: null, from: null, to: null })}>Show all</button></p>`}
        <${Waterfall} ...${{ rows, scale, tone, nameShare }} critical=${shown.critical} selected=${selected?.index ?? null} scrollTo=${chosen.scrollTo}
          label="Spans of ${overview.root_name}" onSelect=${(row, index) => { select(index); chosen.open(true); }} onToggle=${on.toggle} onZoom=${on.zoom} />
      </section>
      ${overview.log_count > 0 && html`<${Logs} ...${{ overview, tone }} onReveal=${look} />`}
    </div>
    ${chosen.opened && selected?.id && html`<${Details} ...${{ selected, tone, asSent }} traceId=${overview.trace_id} total=${overview.root_duration_ns}
      onClose=${() => chosen.open(false)} onReveal=${look} />`}
  </div>`;
}

/** The folds in which a row is collapsed, or is not: the same twice if a key is pressed again before the rows are there. */
function folded(before, row, collapsed) {
  const flipped = before.toggled.includes(row.span_id);
  const now = (before.level !== null && row.depth >= before.level) !== flipped;
  if (now === collapsed) return before;
  return { ...before, toggled: flipped ? before.toggled.filter((each) => each !== row.span_id) : [...before.toggled, row.span_id] };
}

/** The index of the row above that is one level up, as far as rows are loaded. */
function parentOf(rows, index, depth) {
  for (let above = index - 1; above >= 0; above -= 1) {
    const row = rows.row(above);
    if (!row || row.depth < depth) return above;
  }
  return 0;
}
