// Values as people read them, by the units of dashboards/model.py, which are Grafana's.
import { formatValue, type FormatOptions } from "@perses-dev/core";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A value with its unit; `nothing` where there is none. */
export function shown(value: number | null | undefined, unit: string, nothing = "–"): string {
  if (value === null || value === undefined || Number.isNaN(value)) return nothing;
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  switch (unit) {
    case "s":
      return duration(value);
    case "ms":
      return duration(value / 1000);
    case "percentunit":
      return share(value);
    case "reqps":
    case "cps":
      return `${short(value)}/s`;
    case "bytes":
      return formatValue(value, { unit: "bytes", shortValues: true, decimalPlaces: value < 1000 ? 0 : 1 } as FormatOptions);
    case "dateTimeFromNow":
      return ago(Date.now() / 1000 - value);
    default:
      return short(value);
  }
}

function short(value: number): string {
  if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential(1);
  return new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 }).format(value);
}

function share(value: number): string {
  const percent = Math.abs(value * 100);
  const digits = percent === 0 || percent >= 99.95 ? 0 : percent < 1 ? 2 : percent < 10 ? 1 : 0;
  return `${(value * 100).toFixed(digits)} %`;
}

function duration(seconds: number): string {
  const size = Math.abs(seconds);
  if (size === 0) return "0 s";
  if (size < 0.001) return `${digits(seconds * 1e6)} µs`;
  if (size < 1) return `${digits(seconds * 1000)} ms`;
  if (size < MINUTE) return `${digits(seconds)} s`;
  if (size < HOUR) return `${digits(seconds / MINUTE)} min`;
  if (size < DAY) return `${digits(seconds / HOUR)} h`;
  return `${digits(seconds / DAY)} d`;
}

function digits(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size < 10 && !Number.isInteger(value) ? 1 : 0);
}

function ago(seconds: number): string {
  return seconds < 1 ? "now" : `${duration(seconds)} ago`;
}
