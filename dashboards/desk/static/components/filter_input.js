// The filter's field: completion while one types, an error with its place. In: the address's filter. Out: changes of it.
import { ask, urlOf } from "../lib/api.js";
import { change } from "../lib/address.js";
import { html, useEffect, useId, useRef, useState } from "../lib/preact.js";
import { useKeys } from "../lib/keyboard.js";

const EXAMPLES = { traces: "duration>50ms service=clip_encoder status=error", logs: "level>=warn service=gateway timeout" };
const MOST_ITEMS = 12;
const NOTHING = { ok: true, error: null, completions: [] };

/** address: what is shown. */
export function FilterInput({ address }) {
  const [text, setText] = useState(address.query.filter ?? "");
  const [known, setKnown] = useState(NOTHING);
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const [refused, setRefused] = useState(false);
  const field = useRef(null);
  const id = useId();
  useEffect(() => setText(address.query.filter ?? ""), [address.query.filter]);
  useKeys({ "/": ["write a filter", () => field.current?.focus()] });
  const of = address.view === "logs" ? "logs" : "traces";
  const look = useLook(of, setKnown);
  const items = open ? known.completions.slice(0, MOST_ITEMS) : [];
  const apply = async (value) => {
    const found = await check(value, of);
    setOpen(false);
    setKnown({ ...found, completions: [] });
    setRefused(!found.ok);
    if (found.ok) change({ filter: value.trim() });
  };
  const take = (item) => {
    const taken = text.slice(0, item.start) + item.text;
    const rest = text.slice(item.end);
    field.current.value = taken + rest; // at once: somebody may go on typing before the next frame
    field.current.focus();
    field.current.setSelectionRange(taken.length, taken.length);
    setText(taken + rest);
    setActive(-1);
    look(taken + rest, taken.length);
  };
  const onKeyDown = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && items.length) {
      event.preventDefault();
      setActive((active + step + items.length + (active < 0 && step < 0 ? 1 : 0)) % items.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (items[active]) take(items[active]);
      else apply(text);
    } else if (event.key === "Tab" && items[active]) {
      event.preventDefault();
      take(items[active]);
    } else if (event.key === "Escape") {
      if (open && items.length) setOpen(false);
      else { setText(address.query.filter ?? ""); field.current.blur(); }
    }
  };
  const onInput = (event) => {
    setText(event.target.value);
    setOpen(true);
    setRefused(false);
    setActive(-1);
    look(event.target.value, event.target.selectionStart);
  };
  const wrong = !known.ok && (refused || (open && items.length === 0)) && text.trim() !== "" ? known.error : null;
  return html`<div class="filter" onFocusout=${(event) => event.currentTarget.contains(event.relatedTarget) || setOpen(false)}>
    <label class="unseen" for=${id}>Filter</label>
    <input id=${id} ref=${field} type="text" role="combobox" autocomplete="off" spellcheck="false" placeholder=${EXAMPLES[of]}
      value=${text} onInput=${onInput} onKeyDown=${onKeyDown} onFocus=${() => { setOpen(true); look(text, text.length); }}
      aria-autocomplete="list" aria-expanded=${items.length > 0} aria-controls=${`${id}-list`} aria-activedescendant=${active >= 0 ? `${id}-${active}` : undefined}
      aria-invalid=${wrong ? "true" : undefined} aria-describedby=${wrong ? `${id}-error` : undefined} />
    ${text && html`<button type="button" class="plain filter-clear" aria-label="Clear the filter" onClick=${() => { setText(""); setKnown(NOTHING); apply(""); }}>×</button>`}
    <ul id=${`${id}-list`} role="listbox" aria-label="Completions" class="popover filter-list" hidden=${items.length === 0}>
      ${items.map((item, index) => html`<li key=${`${item.kind} ${item.text}`} id=${`${id}-${index}`} role="option" aria-selected=${index === active}
        onMouseDown=${(event) => { event.preventDefault(); take(item); }}><code>${item.text}</code>${item.detail && html`<span class="faint cut">${item.detail}</span>`}</li>`)}
    </ul>
    ${wrong && html`<div id=${`${id}-error`} class="popover filter-error" role="alert">
      ${wrong.at != null && html`<code class="filter-place">${text.slice(0, wrong.at)}<mark>${text.slice(wrong.at) || " "}</mark></code>`}
      <p>${wrong.message}</p>${wrong.hint && html`<p class="quiet">${wrong.hint}</p>`}</div>`}
  </div>`;
}

/** Whether a text is a filter; where that cannot be asked, the views will say what is wrong. */
async function check(text, of) {
  try {
    return await ask(urlOf("/api/filter", { text: text.trim(), at: 0, of }));
  } catch {
    return NOTHING;
  }
}

/** Ask what may stand at a place of a text, a moment after the last key. */
function useLook(of, setKnown) {
  const last = useRef({ aborter: null, timer: 0 });
  useEffect(() => () => { clearTimeout(last.current.timer); last.current.aborter?.abort(); }, []);
  return (text, at) => {
    clearTimeout(last.current.timer);
    last.current.aborter?.abort();
    last.current.timer = setTimeout(async () => {
      const aborter = new AbortController();
      last.current.aborter = aborter;
      try {
        setKnown(await ask(urlOf("/api/filter", { text, at, of }), aborter.signal));
      } catch {
        if (!aborter.signal.aborted) setKnown(NOTHING);
      }
    }, 120);
  };
}
