// Copies text. In: a text. Out: a button that says whether it was copied. State: what it says, for a moment.
import { html, useState } from "../../lib/preact.js";

const SAID_MS = 1_500;

/** Put a text on the clipboard; resolves to whether that was possible. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByHand(text); // a page that is not on this machine and not on TLS has no clipboard
  }
}

function copyByHand(text) {
  const area = Object.assign(document.createElement("textarea"), { value: text, className: "unseen" });
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

/** text: what is copied. what: its name, for the label, which begins with what is seen. */
export function Copy({ text, what, children = "copy" }) {
  const [said, say] = useState("");
  const run = async () => {
    say((await copy(text)) ? "copied" : "not possible");
    window.setTimeout(() => say(""), SAID_MS);
  };
  return html`<button type="button" class="plain copy" aria-label=${said || `${children} ${what}`} onClick=${run}>${said || children}</button>`;
}
