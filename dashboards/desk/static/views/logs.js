// Logs: what the services wrote, latest first, each linked to its trace; followed while the range is live.
import { Attributes } from "../components/attributes.js";
import { Answered, Empty, EmptyRange, Loading, Problem } from "../components/state.js";
import { address as current, asked, change, link, traceLink } from "../lib/address.js";
import { useAnswer } from "../lib/api.js";
import { useFollowed } from "../lib/follow.js";
import { ago, milliseconds, moment, plural } from "../lib/format.js";
import { html, useState } from "../lib/preact.js";
import { toneOf } from "../lib/tones.js";

const LEVELS = ["debug", "info", "warn", "error", "fatal"];
const ROWS = 200;

/** address: what is shown; `level`, `trace_id` are of this view. */
export default function View({ address }) {
  const { level, trace_id: trace } = address.query;
  const { service, filter } = asked(address);
  const follow = address.live && !trace;
  const { since, until } = address.range;
  const followed = useFollowed("/api/logs", "logs", { service, filter, level, since: `${until - since}s` }, follow); // an age stays as the range moves on
  const listed = useAnswer(follow ? null : "/api/logs", { service, filter, level, trace_id: trace, limit: ROWS, ...(trace ? {} : { since: address.query.since, until: address.query.until }) });
  return html`<div class="view-head"><h1>Logs</h1>
      <div class="switch" role="group" aria-label="Least level">${[["", "All"], ...LEVELS.map((name) => [name, name])].map(([name, title]) => html`<button type="button" key=${name}
        aria-pressed=${(level ?? "") === name} onClick=${() => change({ level: name || null }, { replace: true })}>${title}</button>`)}</div>
      ${trace && html`<span class="chip">of trace <a href=${traceLink(trace)}><code>${trace.slice(0, 8)}</code></a></span> <a href=${link(null, { trace_id: null })}>All logs</a>`}
      <span class="end quiet">${follow ? "as they arrive, the last first" : ""}</span></div>
    <section class="card">${follow ? html`<${Followed} of=${followed} since=${since} before=${{ service, filter, level, until: address.query.since, limit: 1 }} />`
      : html`<${Answered} of=${listed} empty=${(answer) => answer.logs.length === 0} nothing=${trace ? html`<${Empty} title="This trace has no logs" />` : html`<${EmptyRange} what="No logs in this time" />`}>
        ${(answer) => html`<${Rows} rows=${answer.logs} more=${Boolean(answer.next)} />`}<//>`}</section>`;
}

/** since: the begin of the range, in Unix seconds; it moves on while records arrive. before: asks for the last record before it. */
function Followed({ of: { rows, error }, since, before }) {
  if (!rows) return error ? html`<${Problem} error=${error} />` : html`<${Loading} />`;
  const inRange = rows.filter((row) => momentOf(row) >= since * 1000);
  return html`${error && html`<${Problem} error=${error} />`}${inRange.length === 0 ? html`<${Quiet} before=${before} />` : html`<${Rows} rows=${inRange} order="as they arrived, the last first" />`}`;
}

/** Nothing in the range. before: asks for the last record before it, if there is one. */
function Quiet({ before }) {
  const { answer, error } = useAnswer("/api/logs", before);
  if (!answer && !error) return html`<${Loading} />`;
  const latest = answer?.logs[0];
  return html`<${Empty} title=${latest || error ? "No logs in this time" : "Nothing has been logged yet"}>
    ${latest && html`<p>The latest record is of ${moment(momentOf(latest))}, ${ago(momentOf(latest))}.</p>`}<p>New records show here as they arrive.</p><//>`;
}

function Rows({ rows, more, order = "latest first" }) {
  const [open, setOpen] = useState(null);
  return html`<ol class="logs" aria-label=${`Log records, ${order}`}>${rows.map((row) => {
    const key = keyOf(row);
    return html`<${Row} key=${key} row=${row} open=${open === key} toggle=${() => setOpen(open === key ? null : key)} />`;
  })}</ol><p class="card-foot">${plural(rows.length, "record")} shown${more ? "; choose a shorter time or a filter for the others" : ""}.</p>`;
}

const momentOf = (row) => milliseconds(row.time_unix_ns || row.observed_unix_ns);
/** Whether a record is dated in the future; a minute is the usual difference between clocks. */
const isAhead = (row) => momentOf(row) > Date.now() + 60_000;
const keyOf = (row) => `${row.time_unix_ns} ${row.observed_unix_ns} ${row.span_id} ${textOf(row.body)}`;

function Row({ row, open, toggle }) {
  const level = levelOf(row);
  return html`<li class="log is-${level} ${open ? "is-open" : ""}">
    <button type="button" class="plain log-line" aria-expanded=${open} onClick=${toggle}>
      <span class=${`log-time ${isAhead(row) ? "is-ahead" : ""}`} title=${isAhead(row) ? "in the future: its sender's clock is ahead" : null}>${moment(momentOf(row), { millis: true })}</span>
      <span class="log-level" title=${row.severity_text}>${row.severity_text || level}</span>
      <span class="log-service" style=${{ "--tone": `var(--${toneOf(row.service)})` }}>${row.service}</span>
      <span class="log-body">${textOf(row.body)}<${Exception} attributes=${row.attributes} /></span></button>
    ${row.trace_id && html`<a class="log-trace" href=${traceLink(row.trace_id, { span: row.span_id })} title="its place in the trace"><code>${row.trace_id.slice(0, 8)}</code></a>`}
    ${open && html`<div class="log-more"><${Attributes} attributes=${row.attributes} />
      ${row.trace_id && html`<p><a href=${link("/logs", { trace_id: row.trace_id, level: null, service: null })}>All logs of this trace</a></p>`}
      ${!current().query.service && html`<p><button type="button" class="plain link" onClick=${() => change({ service: row.service })}>Only ${row.service}</button></p>`}</div>`}</li>`;
}

/** What was raised, in a line. */
function Exception({ attributes = {} }) {
  const parts = [attributes["exception.type"], attributes["exception.message"]].filter(Boolean).map(textOf);
  return parts.length ? html`<span class="log-error">  ${parts.join(": ")}</span>` : null;
}

const textOf = (body) => (typeof body === "string" ? body : JSON.stringify(body));

function levelOf({ severity_number: number }) {
  return number >= 17 ? "error" : number >= 13 ? "warn" : number >= 9 ? "info" : number > 0 ? "debug" : "none";
}
