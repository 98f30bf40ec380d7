// What every component imports: Preact, its hooks, and `html`, by which markup is written in template strings.
//
// All text that stands in a template becomes a text node or an attribute's value, never markup.
import { createContext, Fragment, h, render } from "../vendor/preact.js";
import htm from "../vendor/htm.js";

export * from "../vendor/hooks.js";
export { createContext, Fragment, h, render };
export const html = htm.bind(h);
