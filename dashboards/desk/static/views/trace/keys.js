// The shortcuts of the trace view. In: what they act on. Out: calls. State: none; `?` lists them.
import { change } from "../../lib/address.js";
import { useKeys } from "../../lib/keyboard.js";
import { copy } from "./copying.js";
import { moved, zoomed } from "./scale.js";

const PAGE_ROWS = 15;

/** on: what `Trace` gives: what is selected `now()`, its `row()`, and what can be done. */
export function useTraceKeys(on) {
  const around = () => {
    const row = on.row();
    const middle = row && row.offset_ns + row.duration_ns / 2;
    return row && middle >= on.scale.from && middle <= on.scale.to ? middle : undefined;
  };
  const fold = (wanted, otherwise) => {
    const row = on.row();
    if (row?.children && row.collapsed !== wanted) on.toggle(row, on.now().index);
    else if (row) otherwise(row);
  };
  const zoomTo = (row) => row && on.zoom([row.offset_ns, row.offset_ns + Math.max(1_000, row.duration_ns)]);
  useKeys({
    ArrowDown: ["next span", () => on.step(1)],
    ArrowUp: ["previous span", () => on.step(-1)],
    ArrowRight: ["expand, or go into it", () => fold(false, (row) => row.children && on.step(1))],
    ArrowLeft: ["collapse, or go out of it", () => fold(true, on.up)],
    PageDown: ["further down", () => on.step(PAGE_ROWS)],
    PageUp: ["further up", () => on.step(-PAGE_ROWS)],
    Home: ["first span", () => on.select(0)],
    End: ["last span", () => on.step(Number.MAX_SAFE_INTEGER)],
    Enter: ["details of the span", () => on.open()],
    Escape: ["close details, or the search", () => on.close()],
    "/": ["search in the trace", () => document.getElementById("trace-search")?.focus()],
    n: ["next match", () => on.match(1)],
    N: ["previous match", () => on.match(-1)],
    e: ["next error", () => on.nextError()],
    "+": ["zoom in", () => on.zoom(zoomed(on.scale, 0.5, around()))],
    "-": ["zoom out", () => on.zoom(zoomed(on.scale, 2, around()))],
    z: ["zoom to the span", () => zoomTo(on.row())],
    "[": ["move left", () => on.scale.zoomed && on.zoom(moved(on.scale, -0.25))],
    "]": ["move right", () => on.scale.zoomed && on.zoom(moved(on.scale, 0.25))],
    0: ["show the whole time", () => on.zoom(null)],
    c: ["critical path on or off", () => change({ path: on.shown.critical ? "off" : null }, { replace: true })],
    2: ["collapse to two levels", () => on.level(1)],
    a: ["expand all", () => on.level(null)],
    "<": ["less room for names", () => on.widen(-6)],
    ">": ["more room for names", () => on.widen(6)],
    y: ["copy the span's id", () => on.now()?.id && copy(on.now().id)],
  });
}
