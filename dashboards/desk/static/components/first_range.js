// The time range that is shown where the address names none: the last hour, or less where the store is younger; in a store
// that no collector writes to, the hour before its latest trace. A link may name an age, such as `since=15m`.
import { address, go, goLive, isoTime, link, USUAL_S } from "../lib/address.js";
import { ask } from "../lib/api.js";

const AFTER_S = 60;
const YOUNG_S = [900, 1800];
const AGES = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Choose it, unless the address names one. Returns once it is chosen; an error leaves the last hour. */
export async function chooseFirstRange() {
  const { query } = address();
  const now = Date.now() / 1000;
  const wrongTime = ["since", "until"].filter((key) => query[key] && !isFiniteTime(secondsOf(query[key], now))).map((key) => `${key}=${query[key].slice(0, 80)}`).join(" ");
  const since = secondsOf(query.since, now);
  const until = query.until ? secondsOf(query.until, now) : now;
  if (!wrongTime && isFiniteTime(since)) {
    const isAge = !query.until && !isFiniteTime(Date.parse(query.since));
    if (isAge && !isStore()) goLive(now - since, { replace: true });
    else if (isoTime(since) !== query.since || isoTime(until) !== query.until) go(link(null, { since: isoTime(since), until: isoTime(until) }), { replace: true, live: address().live });
    return;
  }
  let who = {};
  try {
    who = await ask("/api/who?since=1h");
  } catch {
    // The views show what is wrong.
  }
  if (Number.isFinite(address().range.since) && !wrongTime) return;
  choose(who, now, wrongTime);
}

const isStore = () => document.documentElement.dataset.source === "store";

/** What a store's traces suggest; a range that replaces a wrong one stays where it is. */
function choose(who, now, wrongTime) {
  if ((isStore() || wrongTime) && who.last_unix_s != null) {
    const until = Math.min(now, who.last_unix_s + AFTER_S);
    const since = Math.max(until - USUAL_S, who.first_unix_s - AFTER_S);
    go(link(null, { since: isoTime(Math.min(since, until - 1)), until: isoTime(until) }), { replace: true, live: false, wrongTime });
  } else if (wrongTime) {
    go(link(null, { since: isoTime(now - USUAL_S), until: isoTime(now) }), { replace: true, live: false, wrongTime });
  } else {
    const age = who.first_unix_s == null ? USUAL_S : now - who.first_unix_s;
    goLive(YOUNG_S.find((seconds) => age < seconds * 0.9) ?? USUAL_S, { replace: true });
  }
}

/** Whether a number of seconds can be written as a time. */
const isFiniteTime = (seconds) => Number.isFinite(seconds) && Math.abs(seconds) < 8.6e12;

/** A time or an age in a link as Unix seconds; NaN where it is neither. */
function secondsOf(text, now) {
  const age = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text ?? "");
  return age ? now - Number(age[1]) * AGES[age[2]] : Date.parse(text ?? "") / 1000;
}
