// Shortcuts: one key, or `g` and a letter after it. In: what views register. Out: calls. State: the list of shortcuts.
import { useEffect } from "./preact.js";

let shortcuts = [];
const TOGETHER_MS = 2_000;
let first = { key: "", at: 0 };

/** All shortcuts now, as `[keys, what]`, in the order in which they were registered, each once. */
export const all = () => [...new Map(shortcuts.map(({ keys, what }) => [keys, what]))];

/**
 * Register shortcuts while a component is shown: `{ "j": ["next trace", () => …], "g s": ["go to Summary", () => …] }`.
 * They do nothing while somebody types, or holds Ctrl, Alt or Meta. Of two components the one that was shown last has a
 * key. One without a function is listed only: its element listens itself.
 */
export function useKeys(keys) {
  useEffect(() => {
    const mine = Object.entries(keys).map(([name, [what, run]]) => ({ keys: name, what, run }));
    shortcuts = [...shortcuts, ...mine];
    return () => { shortcuts = shortcuts.filter((each) => !mine.includes(each)); };
  });
}

/** Whether an element takes what is typed. */
export function takesText(element) {
  return Boolean(element?.closest?.("input, textarea, select, [contenteditable], dialog[open]"));
}

const find = (keys) => shortcuts.findLast((each) => each.keys === keys && each.run);

/** Listen to the keyboard; call it once. */
export function start() {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || takesText(event.target)) return;
    const joined = performance.now() - first.at < TOGETHER_MS ? `${first.key} ${event.key}` : "";
    const found = find(joined) ?? find(event.key);
    first = { key: event.key, at: performance.now() };
    if (!found) return;
    event.preventDefault();
    found.run(event);
  });
}
