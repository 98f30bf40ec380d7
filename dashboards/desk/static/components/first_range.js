// The time range that is shown where the address names none: the last hour, or less where the store is younger; in a store
// that no collector writes to, the hour before its latest trace.
import { address, go, goLive, isoTime, link, USUAL_S } from "../lib/address.js";
import { ask } from "../lib/api.js";

const AFTER_S = 60;
const YOUNG_S = [900, 1800];

/** Choose it, unless the address names one. Returns once it is chosen; an error leaves the last hour. */
export async function chooseFirstRange() {
  if (Number.isFinite(address().range.since)) return;
  const isStore = document.documentElement.dataset.source === "store";
  let who = {};
  try {
    who = await ask("/api/who?since=1h");
  } catch {
    // The views show what is wrong.
  }
  const now = Date.now() / 1000;
  if (Number.isFinite(address().range.since)) return;
  if (isStore && who.last_unix_s != null) {
    const until = who.last_unix_s + AFTER_S;
    const since = Math.max(until - USUAL_S, who.first_unix_s - AFTER_S);
    go(link(null, { since: isoTime(since), until: isoTime(until) }), { replace: true, live: false });
    return;
  }
  const age = who.first_unix_s == null ? USUAL_S : now - who.first_unix_s;
  goLive(YOUNG_S.find((seconds) => age < seconds * 0.9) ?? USUAL_S, { replace: true });
}
