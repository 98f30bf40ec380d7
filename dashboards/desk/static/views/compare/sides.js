// What the two sides of a comparison are: chosen from lists, or a trace by its id.
import { useAnswer } from "../../lib/api.js";
import { change, link } from "../../lib/address.js";
import { html, useState } from "../../lib/preact.js";

const WORDS = [["typical", "typical requests"], ["slow", "slow requests"], ["failing", "failed requests"]];
const KEYS = ["region", "platform", "version"];
const ANOTHER = "trace:";

/** The words for a side: `region cl`, `trace 23383f0a`. */
export function nameOf(side) {
  const word = WORDS.find(([value]) => value === side)?.[1];
  const [key, ...rest] = side.split(":");
  if (word) return word;
  return KEYS.includes(key) && rest.length ? `${key} ${rest.join(":")}` : `trace ${side.slice(0, 8)}`;
}

/** left, right: what the sides are. asked: time and filters. */
export function Sides({ left, right, asked }) {
  const { answer } = useAnswer("/api/who", asked);
  return html`<div class="sides" role="group" aria-label="What is compared">
    <${Side} name="left" side=${left} who=${answer} />
    <button type="button" title="Swap the sides (x)" aria-label="Swap the sides" onClick=${() => change({ left: right, right: left })}>⇄</button>
    <${Side} name="right" side=${right} who=${answer} />
    <span class="sides-also">${presets(answer).map(([what, one, other]) => html`<a key=${what} class="chip" href=${link(null, { left: one, right: other })}>${what}</a>`)}</span>
  </div>`;
}

/** Pairs that are often asked for. */
function presets(who) {
  const found = [["slow against typical", "typical", "slow"], ["failed against typical", "typical", "failing"]];
  const [other, one] = versionsOf(who);
  if (one) found.push([`${one.split(" ")[0]}: ${one.split(" ").at(-1)} against ${other.split(" ").at(-1)}`, `version:${other}`, `version:${one}`]);
  return found;
}

/** Two versions of one service, the one seen less often last. */
function versionsOf(who) {
  const all = (who?.versions ?? []).map((each) => each.value).filter((text) => text.includes(" "));
  for (const one of all) {
    const other = all.find((each) => each !== one && each.split(" ")[0] === one.split(" ")[0]);
    if (other) return [one, other].sort();
  }
  return [];
}

function Side({ name, side, who }) {
  const [typing, setTyping] = useState(false);
  const lists = KEYS.map((key) => [key, (who?.[`${key}s`] ?? []).map((each) => `${key}:${each.value}`)]);
  const listed = WORDS.some(([value]) => value === side) || lists.some(([, values]) => values.includes(side));
  const onChange = (event) => (event.target.value === ANOTHER ? setTyping(true) : change({ [name]: event.target.value }));
  const onSubmit = (event) => {
    event.preventDefault();
    const id = new FormData(event.target).get("id").trim();
    setTyping(false);
    if (id) change({ [name]: id });
  };
  if (typing) return html`<form class="choice is-chosen side is-${name}" onSubmit=${onSubmit}><span class="choice-name">${name}</span>
    <input name="id" aria-label="Id of a trace" placeholder="id of a trace" autofocus maxlength="32" required pattern="[0-9a-fA-F]+" /><button type="submit" class="plain">ok</button></form>`;
  return html`<label class="choice side is-${name}"><span class="side-key" aria-hidden="true"></span><span class="choice-name">${name}</span>
    <select value=${side} onChange=${onChange}>
      ${!listed && html`<option value=${side}>${nameOf(side)}</option>`}
      ${WORDS.map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}
      ${lists.filter(([, values]) => values.length).map(([key, values]) => html`<optgroup key=${key} label=${key}>
        ${values.map((value) => html`<option key=${value} value=${value}>${nameOf(value)}</option>`)}</optgroup>`)}
      <option value=${ANOTHER}>a trace, by its id …</option>
    </select></label>`;
}
