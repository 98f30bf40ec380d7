// Addresses: of this page, which may be written as Grafana's, and of links, which are.

/** Variables of a board as they are chosen: a text, several, or all that are offered. */
export type Chosen = Record<string, string | string[]>;

const KEPT = ["namespace", "service", "version"];
const FIELD = /\$\{__field\.labels\.([^}]+)\}/g;
const PLACE = /\$\{(\w+)(?::([\w:]+))?\}/g;

/** The search part of an address, with Grafana's names of time and variables turned into those of Perses. */
export function normalized(search: string): string {
  const given = new URLSearchParams(search);
  const wanted = new URLSearchParams();
  for (const name of new Set(given.keys())) {
    if (name !== "from" && name !== "to") wanted.set(name, given.getAll(name).join(","));
  }
  const [from, to] = [given.get("from"), given.get("to")];
  const relative = from?.match(/^now-(\w+)$/)?.[1];
  if (relative) wanted.set("start", relative);
  else if (from && to) {
    wanted.set("start", from);
    wanted.set("end", to);
  }
  return wanted.toString();
}

/** The search part for another board: the same flow and time. */
export function kept(search: string): string {
  const given = new URLSearchParams(search);
  const names = ["start", "end", "refresh", "plain", ...KEPT.map((name) => `var-${name}`)];
  return new URLSearchParams([...given].filter(([name]) => names.includes(name))).toString();
}

/** What is shown: the values of variables, the page's own address, the time. */
export interface View {
  chosen: Chosen;
  search: URLSearchParams;
  start: Date;
  end: Date;
}

/** A link's address for a series with these labels; null if it leads nowhere from here. */
export function resolved(url: string, labels: Record<string, string>, view: View): string | null {
  const missing = [...url.matchAll(FIELD)].some(([, name]) => !labels[name ?? ""]);
  if (missing || url.startsWith("/explore")) return null; // Grafana's own page
  const filled = url
    .replace(FIELD, (_, name: string) => encodeURIComponent(labels[name] ?? ""))
    .replace(PLACE, (_, name: string, format: string = "") => text(name, format, view));
  const absent = filled.startsWith("?") || (filled.startsWith("/") && !filled.startsWith("/d/"));
  return absent ? null : filled; // of a product whose address was not given
}

function text(name: string, format: string, { chosen, search, start, end }: View): string {
  if (name === "__url_time_range") return `start=${start.getTime()}&end=${end.getTime()}`;
  if (name === "__from" || name === "__to") {
    const time = name === "__from" ? start : end;
    return format === "date:iso" ? time.toISOString() : String(time.getTime());
  }
  // As it is chosen, not as queries get it: "all" is an expression there.
  if (format === "queryparam") return `var-${name}=${encodeURIComponent(search.get(`var-${name}`) ?? "$__all")}`;
  const value = chosen[name] ?? "";
  const values = Array.isArray(value) ? value : [value];
  if (format === "regex") return encodeURIComponent(values.length > 1 ? `(${values.join("|")})` : (values[0] ?? ""));
  return values.join(",");
}
