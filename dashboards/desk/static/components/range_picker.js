// The time range: presets that stay live, or two moments. In: the address. Out: changes of it. State: whether it is open.
import { change, goLive, isoTime, stopLive, USUAL_S } from "../lib/address.js";
import { clock, day, moment, span } from "../lib/format.js";
import { html, useEffect, useRef, useState } from "../lib/preact.js";

const PRESETS = [[300, "5 min"], [900, "15 min"], [3600, "hour"], [6 * 3600, "6 hours"], [86_400, "day"], [7 * 86_400, "7 days"]];

/** address: what is shown. */
export function RangePicker({ address }) {
  const [open, setOpen] = useState(false);
  const place = useRef(null);
  useEffect(() => {
    if (!open) return undefined;
    const away = (event) => place.current?.contains(event.target) || setOpen(false);
    document.addEventListener("pointerdown", away);
    return () => document.removeEventListener("pointerdown", away);
  }, [open]);
  const close = () => {
    setOpen(false);
    place.current?.querySelector("button")?.focus();
  };
  return html`<div class="range" ref=${place} onKeyDown=${(event) => event.key === "Escape" && open && close()}>
    <button type="button" class="range-button" aria-expanded=${open} aria-haspopup="dialog" onClick=${() => setOpen(!open)}>
      <span class="unseen">Time range: </span>${described(address)}</button>
    <${LiveButton} address=${address} />
    ${open && html`<${Choices} address=${address} close=${close} />`}
  </div>`;
}

function LiveButton({ address }) {
  if (document.documentElement.dataset.source === "store") return null;
  const toggle = () => (address.live ? stopLive() : goLive(address.range.until - address.range.since || USUAL_S));
  return html`<button type="button" class="live" aria-pressed=${address.live} onClick=${toggle}
    title=${address.live ? "Stop: keep this time range" : "Follow: keep showing the latest"}><span class="dot" aria-hidden="true"></span>Live</button>`;
}

function described({ range, live }) {
  const { since, until } = range;
  if (!Number.isFinite(since) || !Number.isFinite(until)) return "All time";
  if (live) return `Last ${span(until - since)}`;
  const sameDay = day(since * 1000) === day(until * 1000);
  return `${moment(since * 1000)} – ${sameDay ? clock(until * 1000) : moment(until * 1000)}`;
}

function Choices({ address, close }) {
  const [error, setError] = useState("");
  const since = useRef(null);
  const until = useRef(null);
  const submit = (event) => {
    event.preventDefault();
    const [from, to] = [since, until].map((field) => new Date(field.current.value).getTime() / 1000);
    if (!(from < to)) return setError("The beginning must be before the end.");
    change({ since: isoTime(from), until: isoTime(to) });
    return close();
  };
  const { range } = address;
  return html`<div class="popover" role="dialog" aria-label="Time range">
    <p class="popover-title">The last</p>
    <div class="presets">${PRESETS.map(([seconds, name]) => html`<button type="button" key=${seconds} onClick=${() => { goLive(seconds); close(); }}>${name}</button>`)}</div>
    <form onSubmit=${submit}><p class="popover-title">Between</p>
      <label>From <input type="datetime-local" step="1" ref=${since} value=${local(range.since)} required /></label>
      <label>To <input type="datetime-local" step="1" ref=${until} value=${local(range.until)} required /></label>
      ${error && html`<p class="is-bad" role="alert">${error}</p>`}
      <button type="submit" class="primary">Show</button>
      <p class="faint">Times are of your zone, ${Intl.DateTimeFormat().resolvedOptions().timeZone}.</p></form>
  </div>`;
}

/** Unix seconds as an input for date and time has them, in the reader's zone. */
function local(seconds) {
  if (!Number.isFinite(seconds)) return "";
  const at = new Date(seconds * 1000);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
