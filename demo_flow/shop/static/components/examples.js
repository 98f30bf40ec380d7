// The first page: what the shop can be asked, with a picture each. In: examples. Out: `onAsk(query, gesture)`.
import { h } from "../lib/dom.js";
import { languageName } from "../lib/format.js";

/** Return the first page. */
export function welcome({ examples, onAsk }) {
  return h("section", { class: "welcome" },
    h("h1", {}, "Say it in your language, or show a picture."),
    h("p", { class: "muted" },
      "The shop knows its goods in fifteen languages, forgives typing errors, and finds what looks like your picture: ",
      "drop one here, paste it, or take a photo."),
    h("ul", { class: "tiles" }, examples.map((one) => h("li", {}, tile(one, onAsk)))));
}

function tile({ text, language, good }, onAsk) {
  const picture = h("img", { src: pictureOf(good), alt: "", width: 160, height: 160, loading: "lazy" });
  picture.addEventListener("error", () => picture.remove()); // of another catalogue
  return h("button", { type: "button", class: "tile", click: () => onAsk({ text }, "click") },
    h("span", { class: "plate" }, picture),
    h("span", { class: "name", lang: language, dir: "auto" }, text),
    h("span", { class: "small muted" }, languageName(language)));
}

/** Return the examples as a row of words, for a page without goods. */
export const words = ({ examples, onAsk }) =>
  h("p", { class: "words" }, examples.slice(0, 6).map(({ text, language }) =>
    h("button", { type: "button", lang: language, dir: "auto", click: () => onAsk({ text }, "click") }, text)));

/** Return where the picture of a good is. */
export const pictureOf = (good) => `/pictures/${encodeURIComponent(good)}`;
