// The goods that were found, with their pictures. In: an answer, the language of names. Out: `onAsk(query, gesture)`.
// Names are whatever the index holds: they are text, and marked as of their language.
import { h } from "../lib/dom.js";
import { price } from "../lib/format.js";
import { pictureOf } from "./examples.js";

/** Return the goods as a grid. */
export const grid = ({ results, language, onAsk }) =>
  h("ul", { class: "goods" }, results.map((good, rank) => h("li", {}, card(good, language, rank, onAsk))));

function card(good, language, rank, onAsk) {
  const name = good.names[language] ?? good.name;
  const english = good.names.en ?? good.name;
  const score = Math.max(0, Math.min(1, good.score));
  const meter = h("span", { class: "match", "aria-hidden": "true" }, h("span"));
  meter.firstChild.style.setProperty("--score", score);
  return h("article", { class: "good" },
    h("div", { class: "plate" }, picture(good, rank)),
    h("h2", { lang: good.names[language] ? language : null, dir: "auto" }, name),
    name === english ? null : h("p", { class: "small muted", lang: "en" }, english),
    h("div", { class: "foot" },
      h("span", { class: "price number" }, price(good.price_cents)),
      h("span", { class: "small muted number", title: "How near it is to what was asked: 1 is the same" }, meter,
        h("span", { class: "unseen" }, "score "), good.score.toFixed(2))),
    h("button", { type: "button", class: "like", click: () => onAsk({ like: good.id, name }, "click") },
      "More like this", h("span", { class: "unseen" }, `: ${name}`)));
}

function picture(good, rank) {
  const made = h("img", { alt: "", width: 160, height: 160, loading: rank < 12 ? "eager" : "lazy", decoding: "async" });
  made.addEventListener("error", () => made.replaceWith(h("span", { class: "small without" }, "no picture")));
  made.src = pictureOf(good.id);
  return made;
}

/** Return the languages that the names of goods are in, in the order of the first of them. */
export const languagesOf = (results) => [...new Set(results.flatMap((good) => Object.keys(good.names)))];
