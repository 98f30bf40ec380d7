// The address of what is shown: all of it is in the URL, so that a link shows the same to somebody else, later.
//
// In: the browser's location. Out: an address `{ path, view, id, query, range, live, wrongTime }`, and functions that make links.
// State: the browser's history. The time range is always absolute; "live" is a property of this tab's history entry, and
// moves the range on while one looks.
import { useEffect, useState } from "./preact.js";

export const VIEWS = ["performance", "summary", "traces", "compare", "map", "logs", "dashboard"];
/** What a link keeps from view to view. */
export const KEPT = ["since", "until", "platform", "region", "version", "operation", "service", "filter"];
export const USUAL_S = 3600;
const LOGS = "/logs";
const LIVE_MS = 5_000;
const RESTS = 3;
const CHANGED = "desk:address";
const listeners = new EventTarget();
const busy = new Set();
const work = { since: 0, restUntil: 0 };

/** Unix seconds as they stand in links: `2026-11-30T02:41:07Z`. */
export const isoTime = (seconds) => new Date(Math.round(seconds) * 1000).toISOString().replace(".000Z", "Z");

/** Read an address: `id` is what stands behind the view's name, `range` is in Unix seconds. */
export function parse(location, state) {
  const [, first = "", ...rest] = location.pathname.split("/");
  const id = rest.length ? decodeURIComponent(rest.join("/")) : "";
  const query = Object.fromEntries(new URLSearchParams(location.search));
  const view = first === "" ? "performance" : first === "traces" && id ? "trace" : first;
  const range = { since: Date.parse(query.since) / 1000, until: Date.parse(query.until) / 1000 };
  return { path: location.pathname, view, id, query, range, live: Boolean(state?.live), wrongTime: state?.wrongTime ?? "" };
}

let current = parse(window.location, window.history.state);

/** The address now. */
export const address = () => current;

/** The address, again whenever it changes. */
export function useAddress() {
  const [, redraw] = useState(0);
  const shown = current;
  useEffect(() => {
    const on = () => redraw((turn) => turn + 1);
    listeners.addEventListener(CHANGED, on);
    if (shown !== current) on(); // it changed after it was drawn, before anybody listened
    return () => listeners.removeEventListener(CHANGED, on);
  }, []);
  return shown;
}

/**
 * A link. To the same path it keeps the whole query, to another what is in `KEPT`; a filter of traces is none of logs.
 *
 * path: such as `/traces`; null for the one that is shown.
 * changes: to the query; a value that is null or empty is left out.
 */
export function link(path, changes = {}) {
  const same = path === null || path === current.path;
  const crosses = !same && (path === LOGS || current.path === LOGS);
  const kept = Object.entries(current.query).filter(([key]) => same || (KEPT.includes(key) && !(crosses && key === "filter")));
  const query = { ...Object.fromEntries(kept), ...changes };
  const pairs = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(pairs).toString();
  return `${path ?? current.path}${text ? `?${text}` : ""}`;
}

/** The address of a trace. */
export const traceLink = (traceId, changes) => link(`/traces/${encodeURIComponent(traceId)}`, changes);

/** Go to a link of ours. `live` starts or stops the moving range; without it, it goes on as it is. */
export function go(href, { replace = false, live = current.live, wrongTime = "" } = {}) {
  window.history[replace ? "replaceState" : "pushState"]({ live, wrongTime }, "", href);
  changed();
}

/** Change the query of what is shown; a time range that somebody chooses is not live. */
export function change(changes, options = {}) {
  const chosen = "since" in changes || "until" in changes;
  go(link(null, changes), { live: chosen ? false : current.live, ...options });
}

/** Show a range of Unix seconds, as a brush over a chart chooses it. */
export function showRange(since, until) {
  const least = Math.max(until, since + 1);
  change({ since: isoTime(Math.floor(since)), until: isoTime(Math.ceil(least)) });
}

/** Show the last seconds, and keep showing the last ones. */
export function goLive(seconds, { replace = false } = {}) {
  const now = Date.now() / 1000;
  go(link(null, { since: isoTime(now - seconds), until: isoTime(now) }), { replace, live: true });
}

/** Stop: the range stays as it is. */
export const stopLive = () => go(link(null), { replace: true, live: false });

/** What the API is asked for: the address's range, who, operation and filter, and more. */
export function asked(from = current, more = {}) {
  const kept = KEPT.filter((key) => from.query[key]).map((key) => [key, from.query[key]]);
  return { ...Object.fromEntries(kept), ...more };
}

/**
 * The live range waits while a request is under way, and after it for a few times as long: one page asks a slow collector
 * for a fraction of its time. `key` is any object that stands for the request.
 */
export function begin(key) {
  if (busy.size === 0) work.since = performance.now();
  busy.add(key);
}

export function end(key) {
  if (!busy.delete(key) || busy.size > 0) return;
  const now = performance.now();
  work.restUntil = now + RESTS * (now - work.since);
}

/** Follow the browser's history and clicks on our links; call it once. */
export function start() {
  window.addEventListener("popstate", changed);
  document.addEventListener("click", onClick);
  window.setInterval(moveOn, LIVE_MS);
  document.addEventListener("visibilitychange", () => document.hidden || moveOn());
}

function changed() {
  current = parse(window.location, window.history.state);
  listeners.dispatchEvent(new Event(CHANGED));
}

function moveOn() {
  if (!current.live || document.hidden || busy.size > 0 || performance.now() < work.restUntil) return;
  const length = current.range.until - current.range.since;
  goLive(length > 0 ? length : USUAL_S, { replace: true });
}

function onClick(event) {
  const anchor = event.target.closest?.("a[href]");
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!anchor || !plain || event.defaultPrevented || anchor.target || anchor.hasAttribute("download")) return;
  const url = new URL(anchor.href);
  if (url.origin !== window.location.origin || url.pathname.startsWith("/api/")) return;
  event.preventDefault();
  if (url.pathname === current.path && url.hash) return;
  const samePlace = url.pathname === current.path;
  const live = current.live && isRangeOfNow(url.searchParams);
  if (live) {
    url.searchParams.set("since", current.query.since);
    url.searchParams.set("until", current.query.until);
  }
  go(url.pathname + url.search, { live });
  if (!samePlace) window.scrollTo(0, 0);
}

/** Whether a link was made while the live range was where it is, or a moment before. */
function isRangeOfNow(query) {
  const [since, until] = [Date.parse(query.get("since")) / 1000, Date.parse(query.get("until")) / 1000];
  const { range } = current;
  return Math.abs(until - since - (range.until - range.since)) < 2 && range.until - until < (20 * LIVE_MS) / 1000;
}
