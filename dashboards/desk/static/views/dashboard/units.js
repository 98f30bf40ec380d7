// Units and tones, from Grafana's names for them. In: the unit of a panel, its thresholds. Out: text, names in tokens.css. State: none.
import { ago, bytes, digits, duration, rate, share } from "../../lib/format.js";

const signed = (write) => (value) => (value != null && value < 0 ? `−${write(-value)}` : write(value));
const UNITS = {
  s: { write: (value) => duration(value == null ? null : value * 1e9), chart: "seconds", factor: 1 },
  ms: { write: (value) => duration(value == null ? null : value * 1e6), chart: "ns", factor: 1e6 },
  percentunit: { write: signed(share), chart: "ratio", factor: 1 },
  bytes: { write: bytes, chart: "bytes", factor: 1 },
  reqps: { write: rate, chart: "perSecond", factor: 1 },
  cps: { write: rate, chart: "perSecond", factor: 1 },
  dateTimeFromNow: { write: (value) => ago(value * 1000), chart: "number", factor: 1 },
};
const PLAIN = { write: signed(digits), chart: "number", factor: 1 };
const TONES = { green: "good", orange: "warn", red: "bad", gray: "text-faint", text: "text" };

/** How a unit is written: `{ write, chart, factor }`; a chart's values are multiplied by the factor. */
export const unitOf = (unit) => UNITS[unit] ?? PLAIN;

/** A change with its sign: `+12 %`; one that is nearly nothing has none: `< 0.1 %`. */
export const change = (write) => (value) => {
  const size = write(Math.abs(value));
  return value === 0 || size.startsWith("<") ? size : `${value > 0 ? "+" : "−"}${size}`;
};

/** A tone's name in tokens.css. */
export const toneOf = (tone) => TONES[tone] ?? "text";

/** The tone of a value by thresholds: of the last one that it reaches; null where there are none. */
export function toneAt(steps, value) {
  if (!steps?.length || value == null) return null;
  const reached = steps.findLast((step) => step.at == null || value >= step.at);
  return reached ? toneOf(reached.tone) : null;
}

/** A word for a tone, so that a colour never stands alone. */
export const wordOf = (tone) => ({ bad: "bad", warn: "needs attention" })[tone] ?? "";
