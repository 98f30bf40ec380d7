// All of one span: times, error, attributes, events and log records by time, links both ways, resource.
import { useAnswer } from "../../lib/api.js";
import { traceLink } from "../../lib/address.js";
import { clock, duration, milliseconds, plural, share as shareOf } from "../../lib/format.js";
import { html, useEffect, useRef } from "../../lib/preact.js";
import { Answered } from "../../components/state.js";
import { Attributes, asText } from "./attributes.js";
import { Copy } from "./copying.js";
import { badgeKind } from "./tones.js";

const STOPPED = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown", " ", "Enter"];

/** traceId, selected: which span. tone: colours. total: of the trace. onClose, onReveal(id). */
export function Details({ traceId, selected, asSent, tone, total, onClose, onReveal }) {
  const place = useRef(null);
  const found = useAnswer(`/api/traces/${traceId}/span`, { id: selected.id, place: selected.place, as_sent: asSent });
  useEffect(() => { place.current.scrollTop = 0; }, [selected.id]);
  const onKeyDown = (event) => STOPPED.includes(event.key) && event.stopPropagation();
  return html`<aside class="details card" ref=${place} tabindex="0" aria-label="The selected span" onKeyDown=${onKeyDown}>
    <${Answered} of=${found}>${(span) => html`<${Span} ...${{ span, tone, total, onClose, onReveal }} />`}<//>
  </aside>`;
}

function Span({ span, tone, total, onClose, onReveal }) {
  return html`<header class="details-head">
      <p class="details-path faint">${span.above.map((name, index) => html`<span key=${index}>${name} › </span>`)}</p>
      <h2><span class="row-tone" style=${{ "--tone": tone(span.service) }} aria-hidden="true"></span>${span.name}</h2>
      <p class="details-kind">${span.service} · ${span.kind} ${span.op && html`<span class="op ${badgeKind(span.op)}">${span.op}</span>`}
        ${span.status === "ok" && html`<span class="chip is-good">ok</span>`}</p>
      <button type="button" class="plain details-close" aria-label="Close (Escape)" onClick=${onClose}>✕</button>
    </header>
    <${Failure} span=${span} />
    <${Times} span=${span} total=${total} />
    <${Attributes} title="Attributes" attributes=${span.attributes} />
    <${Moments} span=${span} />
    <${Links} title="Links to" links=${span.links} count=${span.link_count} />
    <${Links} title="Linked from" links=${span.linked_from} count=${span.linked_from_count} />
    <details class="part"><summary>Resource and scope</summary>
      <${Attributes} title="Resource" attributes=${span.resource} />
      <p class="faint">${span.scope ? `scope ${span.scope} ${span.scope_version}` : "no scope"}${span.trace_state && ` · state ${span.trace_state}`} · flags ${span.flags}</p>
    </details>
    <p class="details-ids faint">span <code>${span.span_id}</code> <${Copy} text=${span.span_id} what="the span's id" />
      ${span.parent_span_id && html`<button type="button" class="plain copy" onClick=${() => onReveal(span.parent_span_id)}>go to its parent</button>`}
      ${lost(span.dropped)}</p>`;
}

const lost = (dropped) => Object.entries(dropped).filter(([, number]) => number > 0)
  .map(([what, number]) => html`<span key=${what} class="chip is-warn">the sender dropped ${number} ${what}</span>`);

function Failure({ span }) {
  if (span.status !== "error") return null;
  const exception = span.events.find((event) => event.name === "exception")?.attributes ?? {};
  const kind = exception["exception.type"] ?? span.attributes["error.type"] ?? "Error";
  const message = exception["exception.message"] ?? span.status_message;
  return html`<section class="part failure"><h3>✕ ${asText(kind)}</h3>${message && html`<p>${asText(message)}</p>`}
    ${exception["exception.stacktrace"] && html`<details><summary>Stack trace</summary><pre tabindex="0">${asText(exception["exception.stacktrace"])}</pre></details>`}</section>`;
}

function Times({ span, total }) {
  const share = (ns) => (total > 0 ? ` ${shareOf(ns / total)}` : "");
  const rows = [
    ["duration", span.note === "open" ? "not ended" : duration(span.duration_ns), share(span.duration_ns)],
    ["self", duration(span.self_ns), share(span.self_ns)],
    ["critical path", duration(span.critical_ns), share(span.critical_ns)],
    ["begins at", duration(span.offset_ns), ` ${clock(milliseconds(span.start_unix_ns), { millis: true })}`],
  ];
  const { way } = span;
  if (way) rows.push(["on the way", duration(way.total_ns), ` ${duration(way.before_ns)} there, ${duration(way.after_ns)} back${way.estimated ? ", estimated" : ""}`]);
  if (span.moved_ns) rows.push(["moved", duration(span.moved_ns), " its clock differs"]);
  return html`<dl class="times">${rows.map(([name, value, more]) => html`<div key=${name} class=${name === "on the way" ? "is-long" : ""}><dt>${name}</dt><dd><b>${value}</b><span class="faint">${more}</span></dd></div>`)}</dl>`;
}

/** Events and log records together, by time. */
function Moments({ span }) {
  const events = span.events.map((event) => ({ at: event.offset_ns, kind: event.name === "exception" ? "exception" : "event", text: event.name, attributes: event.attributes }));
  const logs = span.logs.map((log) => ({ at: log.offset_ns, kind: log.severity_number >= 17 ? "error" : log.severity_number >= 13 ? "warn" : "log", text: asText(log.body), attributes: log.attributes }));
  const all = [...events, ...logs].sort((one, other) => one.at - other.at);
  if (!all.length) return null;
  const more = span.event_count + span.log_count - all.length;
  return html`<section class="part"><h3>Events and log records <span class="faint">${span.event_count + span.log_count}</span></h3>
    <ol class="moments">${all.map((moment, index) => html`<li key=${index}>
      <span class="moment-at number">${duration(moment.at)}</span><span class="bar-mark is-${moment.kind}" aria-hidden="true"></span>
      <div><p><span class="unseen">${moment.kind}: </span>${moment.text}</p>${Object.keys(moment.attributes).length > 0 && html`<details><summary>${plural(Object.keys(moment.attributes).length, "attribute")}</summary>
        <${Attributes} title="Attributes" attributes=${moment.attributes} filters=${false} /></details>`}</div></li>`)}</ol>
    ${more > 0 && html`<p class="faint">… and ${more} more</p>`}</section>`;
}

function Links({ title, links, count }) {
  if (!count) return null;
  return html`<section class="part"><h3>${title} <span class="faint">${count}</span></h3>
    <ul class="links">${links.map((end, index) => html`<li key=${index}>
      ${end.stored ? html`<a href=${traceLink(end.trace_id, { span: end.span_id })}>${end.name} <span class="faint">${end.service}</span></a> <span class="number">${duration(end.duration_ns)}</span>`
        : html`<span class="quiet">trace <code>${end.trace_id.slice(0, 8)}</code> is not stored</span>`}
      ${Object.entries(end.attributes).map(([key, value]) => html`<span key=${key} class="chip">${key}=${asText(value)}</span>`)}</li>`)}</ul>
    ${count > links.length && html`<p class="faint">… and ${count - links.length} more</p>`}</section>`;
}
