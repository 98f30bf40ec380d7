// Numbers and times as people read them. In: plain numbers. Out: text. State: none.

const NARROW = "\u202f"; // a narrow space that does not break a line, between a number and its unit
const UNITS = [["s", 1e9], ["ms", 1e6], ["µs", 1e3], ["ns", 1]];

/** A duration in nanoseconds: `12.3 ms`, `1 min 4 s`; a dash where there is none. */
export function duration(ns) {
  if (ns == null || !Number.isFinite(ns)) return "–";
  if (ns < 0) return `−${duration(-ns)}`;
  if (ns >= 3600e9) return `${Math.floor(ns / 3600e9)}${NARROW}h ${Math.round((ns % 3600e9) / 60e9)}${NARROW}min`;
  if (ns >= 120e9) return `${Math.floor(ns / 60e9)}${NARROW}min ${Math.round((ns % 60e9) / 1e9)}${NARROW}s`;
  const [unit, size] = UNITS.find(([, least]) => ns >= least * 0.9995) ?? ["ns", 1];
  return ns === 0 ? `0${NARROW}ms` : `${digits(ns / size)}${NARROW}${unit}`;
}

/** A number with three significant digits, at most: `0.123`, `1.23`, `12.3`, `123`, `1,234`. */
export function digits(number) {
  if (number == null || !Number.isFinite(number)) return "–";
  const size = Math.abs(number);
  if (size >= 100 || Number.isInteger(number)) return Math.round(number).toLocaleString("en");
  return String(Number(number.toPrecision(size < 0.01 ? 2 : 3)));
}

/** A count: `1,234`, `12.3k`, `4.56M`. */
export function count(number) {
  if (number == null) return "–";
  if (Math.abs(number) < 10_000) return number.toLocaleString("en");
  return number < 1e6 ? `${digits(number / 1e3)}k` : `${digits(number / 1e6)}M`;
}

/** How often a second, or a minute where that is seldom: `12.3/s`, `4.2/min`. */
export function rate(perSecond) {
  if (perSecond == null) return "–";
  return perSecond >= 0.95 || perSecond === 0 ? `${digits(perSecond)}/s` : `${digits(perSecond * 60)}/min`;
}

/** A share of one: `12.3 %`; what is nearly nothing is `< 0.1 %`. */
export function share(ratio) {
  if (ratio == null || !Number.isFinite(ratio)) return "–";
  if (ratio === 0) return `0${NARROW}%`;
  const percent = ratio * 100;
  if (percent < 0.1) return `<${NARROW}0.1${NARROW}%`;
  return `${percent >= 10 ? Math.round(percent) : Math.round(percent * 10) / 10}${NARROW}%`;
}

/** A span's name, short: an rpc's without its package, `Gateway/Search` for `/pamazon.Gateway/Search`. */
export const shortName = (name) => name.replace(/^\/[\w.]*\.(\w+\/\w+)$/, "$1");

/** A sentence in which the names of rpcs are short. */
export const shortNames = (text) => text.replace(/\/[\w.]*\.(\w+\/\w+)/g, "$1");

const UUID = /\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f-]{22}\b/g;

/** A text whose UUIDs are cut after eight digits. */
export const shortIds = (text) => text.replace(UUID, "$1…");

/** How many times as much: `7×`, `1.4×`. */
export function times(factor) {
  return factor == null ? "–" : `${digits(factor >= 10 ? Math.round(factor) : Number(factor.toPrecision(2)))}×`;
}

const two = (number) => String(number).padStart(2, "0");

/** The time of day of a moment in Unix milliseconds, in the reader's zone: `08:40:11`. */
export function clock(ms, { seconds = true, millis = false } = {}) {
  const at = new Date(ms);
  const text = `${two(at.getHours())}:${two(at.getMinutes())}${seconds ? `:${two(at.getSeconds())}` : ""}`;
  return millis ? `${text}.${String(at.getMilliseconds()).padStart(3, "0")}` : text;
}

/** The day of a moment: `30 Nov`. */
export function day(ms) {
  return new Date(ms).toLocaleDateString("en-GB", { day: "numeric", month: "short" });
}

/** A moment: the time of day, with the day where that is not today. */
export function moment(ms, options) {
  const today = new Date().toDateString() === new Date(ms).toDateString();
  return today ? clock(ms, options) : `${day(ms)} ${clock(ms, options)}`;
}

/** How long ago a moment was: `12 s ago`, `3 h ago`. */
export function ago(ms, now = Date.now()) {
  const seconds = Math.max(0, (now - ms) / 1000);
  const [size, unit] = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]].find(([least]) => seconds >= least) ?? [1, "s"];
  return `${Math.floor(seconds / size)}${NARROW}${unit} ago`;
}

/** A length of time in seconds: `15 min`, `2 h`. */
export function span(seconds) {
  const [size, unit] = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]].find(([least]) => seconds >= least) ?? [1, "s"];
  return `${digits(Math.round((seconds / size) * 10) / 10)}${NARROW}${unit}`;
}

/** Unix nanoseconds as Unix milliseconds; JSON's numbers lose less than a microsecond. */
export const milliseconds = (unixNs) => Number(unixNs) / 1e6;

/** A number of bytes: `1.5 MiB`. */
export function bytes(number) {
  if (number == null || !Number.isFinite(number)) return "–";
  const power = Math.min(4, Math.max(0, Math.floor(Math.log2(Math.abs(number) || 1) / 10)));
  return `${digits(number / 1024 ** power)}${NARROW}${["B", "KiB", "MiB", "GiB", "TiB"][power]}`;
}

/** The first of a word's plural: `1 trace`, `2 traces`. */
export const plural = (number, word, many = `${word}s`) => `${count(number)} ${number === 1 ? word : many}`;

const perSecond = (number) => (number == null ? "–" : `${digits(number)}/s`);
const BY_UNIT = { bytes, perSecond, ns: duration, ratio: share, rate, count, number: digits, seconds: (s) => duration(s * 1e9) };

/** The function that writes numbers of a unit: `ns`, `seconds`, `ratio`, `rate`, `count`, `number`, and others. */
export const writer = (unit) => BY_UNIT[unit] ?? digits;
