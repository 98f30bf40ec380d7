// Where a panel, or one of its series, leads on the desk. In: links with places for labels. Out: `[{ title, href }]`. State: none.
import { link } from "../../lib/address.js";

const PLACE = /\$\{?(\w+)\}?/g;

/** The links of a panel; `metric` has the labels of what is pointed at. What has no value is left out, and equal links stand once. */
export function linksOf(panel, variables, metric = {}) {
  const found = new Map();
  for (const each of panel.links ?? []) {
    const query = Object.fromEntries(Object.entries(each.query ?? {}).map(([name, text]) => [name, filled(name, text, metric, variables)]));
    const href = link(each.path, { ...query, ...("filter" in query ? {} : { filter: null }) });
    if (![...found.values()].includes(href) && !(each.path === "/summary" && !query.operation)) found.set(each.title, href);
  }
  return [...found].map(([title, href]) => ({ title, href }));
}

/** A text with its places filled; null if one of them has no value. A filter loses the terms with such a place. */
function filled(name, text, metric, variables) {
  if (name === "filter") return terms(text).map((term) => put(term, metric, variables)).filter(Boolean).join(" ") || null;
  return put(text, metric, variables);
}

const terms = (text) => text.match(/[^\s"]+(?:"[^"]*")?/g) ?? [];

function put(text, metric, variables) {
  let missing = false;
  const whole = text.replace(PLACE, (_, name) => {
    const value = metric[name] ?? variables.chosen[name];
    missing ||= !value;
    return String(value ?? "").replaceAll('"', "");
  });
  return missing ? null : whole;
}
