// Shortcuts: one key, or `g` and a letter after it. In: what views register. Out: calls. State: the list of shortcuts.
import { useEffect } from "./preact.js";

const shortcuts = new Map();
const TOGETHER_MS = 1_200;
let first = { key: "", at: 0 };

/** All shortcuts now, as `[keys, what]`, in the order in which they were registered. */
export const all = () => [...shortcuts].map(([keys, { what }]) => [keys, what]);

/**
 * Register shortcuts while a component is shown: `{ "j": ["next trace", () => …], "g s": ["go to Summary", () => …] }`.
 * They do nothing while somebody types, or holds Ctrl, Alt or Meta.
 */
export function useKeys(keys) {
  useEffect(() => {
    for (const [name, [what, run]] of Object.entries(keys)) shortcuts.set(name, { what, run });
    return () => Object.keys(keys).forEach((name) => shortcuts.delete(name));
  });
}

/** Whether an element takes what is typed. */
export function takesText(element) {
  return Boolean(element?.closest?.("input, textarea, select, [contenteditable], dialog"));
}

/** Listen to the keyboard; call it once. */
export function start() {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || takesText(event.target)) return;
    const joined = performance.now() - first.at < TOGETHER_MS ? `${first.key} ${event.key}` : "";
    const found = shortcuts.get(joined) ?? shortcuts.get(event.key);
    first = { key: event.key, at: performance.now() };
    if (!found) return;
    event.preventDefault();
    found.run(event);
  });
}
