// How long each search took, and where: a bar for each, on one scale, the newest with its numbers.
//
// In: searches of this page, each with `took`, person, label, trace. Out: a section. State: whether the earlier ones
// are open. What is not known is said, never guessed: on the way and the total are what this browser measured, the rest
// what the gateway did.
import { h, mark, OUT } from "../lib/dom.js";
import { ms, place } from "../lib/format.js";

const PARTS = [
  ["way", "on the way", "What your browser waited longer than the gateway worked."],
  ["gateway", "gateway", "The gateway's own work, without what it waited for."],
  ["encode", "encode", "The gateway waited for the encoder, which makes a vector of the query."],
  ["search", "search", "The gateway waited for the index, which finds the nearest goods."],
];
const SHOWN = 6;
let wanted = null; // whether the earlier searches are open, once a person has said so

/** Return the section. `open` is the address of a trace's page without its id, null where none answers. */
export function timing({ searches, open, why }) {
  const shown = searches.slice(0, SHOWN);
  const longest = Math.max(...shown.map(({ took }) => took.total));
  const [newest, ...earlier] = shown;
  return h("section", { class: "timing", "aria-labelledby": "timing-title" },
    h("h2", { id: "timing-title" }, "Where the time went"),
    h("div", { class: "newest" },
      h("p", { class: "line" }, h("span", { class: "label", dir: "auto" }, newest.label), total(newest)),
      h("p", { class: "small muted" }, who(newest)),
      bar(newest, longest), numbers(newest), link(newest, open, why)),
    earlier.length ? before(earlier, longest, open) : null);
}

/** The earlier searches; open beside the goods, closed above them, unless a person has said otherwise. */
function before(earlier, longest, open) {
  const toggled = (event) => event.isTrusted && (wanted = event.newState === "open");
  return h("details", { class: "before", open: wanted ?? matchMedia("(min-width: 1041px)").matches, toggle: toggled },
    h("summary", { class: "small" },
      earlier.length === 1 ? "The search before" : `The ${earlier.length} searches before`),
    h("ol", {}, earlier.map((one) => h("li", {}, row(one, longest, open)))));
}

const total = ({ took }) => h("strong", { class: "number" }, ms(took.total));
const who = ({ person, ok }) =>
  `${person.name ?? "Somebody"} · ${place(person)}${ok ? "" : " · failed"}`;

function row(one, longest, open) {
  const content = [
    h("p", { class: "line" }, h("span", { class: "label", dir: "auto" }, one.label), total(one)),
    h("p", { class: "small muted" }, who(one)),
    bar(one, longest),
  ];
  if (!open || !one.traceId) return h("div", { class: "row" }, content);
  return h("a", { class: "row", href: open + one.traceId, target: "_blank", rel: "noopener" },
    h("span", { class: "unseen" }, "Open the trace of "), content);
}

function bar({ took }, longest) {
  const known = PARTS.filter(([part]) => took[part] !== undefined && took[part] !== null);
  const said = known.map(([part, title]) => `${title} ${ms(took[part])}`).join(", ");
  const parts = known.length ? known.map(([part]) => [part, took[part]]) : [["unknown", took.total]];
  return h("div", { class: "bar", role: "img", "aria-label": said || "Where the time went is not known" },
    parts.map(([part, milliseconds]) => segment(part, milliseconds)),
    took.total < longest ? segment("rest", longest - took.total) : null);
}

function segment(part, milliseconds) {
  const made = h("span", { class: `part ${part}` });
  made.style.setProperty("--share", milliseconds);
  return made;
}

function numbers({ took }) {
  if (took.way === undefined) {
    return h("p", { class: "small muted" }, "Where it went is not known: the gateway has not reported its part.");
  }
  return h("dl", { class: "numbers" }, PARTS.map(([part, title, what]) =>
    h("div", { title: what },
      h("dt", {}, h("span", { class: `swatch ${part}`, "aria-hidden": "true" }), title),
      h("dd", { class: "number" }, Number.isFinite(took[part]) ? ms(took[part]) : "not asked"),
      part === "way" && took.link >= 0.5
        ? h("dd", { class: "small muted note" }, `${ms(took.link)} of it simulated`)
        : null)));
}

function link({ traceId }, open, why) {
  if (traceId && open) {
    return h("a", { class: "trace", href: open + traceId, target: "_blank", rel: "noopener" },
      "Open the trace", mark(...OUT));
  }
  const muted = { class: "small muted" };
  if (!traceId) return h("p", muted, "This search has no trace: the shop's telemetry is off, or left it out.");
  return why ? h("p", muted, why, " Its id is ", h("span", { class: "id" }, traceId), ".") : null;
}
