// What a search without goods has to say: that nothing is near enough, that the shelves are empty, what failed.
//
// In: an answer. Out: an element, with what would help. State: none.
import { h } from "../lib/dom.js";
import { words } from "./examples.js";

/** Nothing was found; `onAsk` may ask again, for whatever is nearest. */
export function empty({ answer, query, label, examples, onAsk }) {
  if (!answer.below) {
    return h("div", { class: "notice" },
      h("h1", {}, "The shelves are empty."),
      h("p", {}, "The index holds nothing. In a terminal, ", h("code", {}, "pamazon index"), " fills it."));
  }
  const number = answer.below === 1 ? "One good was" : `The nearest ${answer.below} goods were`;
  return h("div", { class: "notice" },
    h("h1", { dir: "auto" }, `Nothing is near enough to ${label}.`),
    h("p", {}, `${number} looked at, and each scores below the threshold of the shop's model:`,
      " none is what you asked for."),
    h("p", { class: "muted" }, "Another word may help, or a name of the thing alone. Or see the nearest all the same."),
    h("button", { type: "button", class: "main", click: () => onAsk({ ...query, threshold: 0 }, "click") },
      "Show the nearest all the same"),
    words({ examples, onAsk }));
}

const MISTAKES = ["INVALID_ARGUMENT", "NOT_FOUND", "NOT SENT", "NO ANSWER"]; // whose message is for who searches

/** A message of a service as a sentence: with a capital, where it begins with a word. */
const begun = (message) => (/^[a-z]+ /.test(message) ? message[0].toUpperCase() + message.slice(1) : message);

/** A failure of the gateway, or of what it asks; or a file that was not sent. */
export function failure({ code, message, hint }) {
  const plain = MISTAKES.includes(code);
  return h("div", { class: "notice bad", role: "alert" },
    h("p", { class: "small code" }, code.replaceAll("_", " ")),
    h("h1", {}, plain ? begun(message) : "The search failed."),
    plain ? null : h("p", { class: "said" }, message),
    hint ? h("p", {}, hint) : null);
}
