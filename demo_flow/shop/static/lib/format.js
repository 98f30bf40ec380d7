// Writes numbers and names for people. No state.

const euros = new Intl.NumberFormat("en", { style: "currency", currency: "EUR" });
const languages = new Intl.DisplayNames(["en"], { type: "language", fallback: "code" });
const regions = new Intl.DisplayNames(["en"], { type: "region", fallback: "code" });
const PLATFORMS = { web: "Web", ios: "iOS", android: "Android", linux: "Linux", windows: "Windows", macos: "macOS" };

/** Milliseconds with the digits that say something: 0.42, 4.2, 42, 1,234. */
export function ms(value) {
  if (!Number.isFinite(value)) return "not known";
  const digits = value < 1 ? 2 : value < 10 ? 1 : 0;
  return `${value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })} ms`;
}

/** A price in cents; empty where there is none. */
export const price = (cents) => (Number.isFinite(cents) ? euros.format(cents / 100) : "");

/** The name of a platform, and those of a language and a region, in English; their code where there is none. */
export const platformName = (code) => PLATFORMS[code] ?? code;
export const languageName = (code) => named(languages, code);
export const regionName = (code) => named(regions, code.toUpperCase());

/** The name of a language in that language. */
export function ownName(code) {
  try {
    return new Intl.DisplayNames([code], { type: "language" }).of(code) ?? code;
  } catch {
    return code;
  }
}

/** Bytes, rounded. */
export const size = (bytes) =>
  bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} kB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;

/** Which platform, and where. */
export const place = ({ platform, region }) => `${platformName(platform)}, ${regionName(region)}`;

function named(names, code) {
  try {
    return names.of(code) ?? code;
  } catch {
    return code; // it is not a code
  }
}
