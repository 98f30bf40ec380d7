// What of a trace is seen: search, critical path, errors, levels, zoom. In: the state in the address. Out: changes of it.
import { change } from "../../lib/address.js";
import { count, duration } from "../../lib/format.js";
import { html, useEffect, useRef, useState } from "../../lib/preact.js";

const PAUSE_MS = 200;
/** The API gives the places of so many matches. */
const MOST_PLACES = 1000;

/** shown: what the address says. head: of the rows. scale: what is seen. onMatch(step): go to another match. */
export function Tools({ shown, head, scale, onMatch, onZoom, onLevel, spanCount }) {
  const only = (value) => change({ only: shown.only === value ? null : value }, { replace: true });
  const hidden = head && head.total < head.span_count;
  return html`<div class="tools" role="toolbar" aria-label="What is seen of the trace">
    <${Search} text=${shown.search} matches=${head?.matches} onMatch=${onMatch} />
    <button type="button" aria-pressed=${shown.critical} onClick=${() => change({ path: shown.critical ? "off" : null }, { replace: true })} title="Draw the critical path (c)">
      <span class="key-path" aria-hidden="true"></span>critical path</button>
    <span class="switch" role="group" aria-label="Only">
      <button type="button" aria-pressed=${!shown.only} onClick=${() => change({ only: null }, { replace: true })}>all</button>
      <button type="button" aria-pressed=${shown.only === "critical"} onClick=${() => only("critical")}>on the path</button>
      <button type="button" aria-pressed=${shown.only === "errors"} onClick=${() => only("errors")}>errors</button></span>
    <span class="switch" role="group" aria-label="Levels">
      <button type="button" onClick=${() => onLevel(1)} title="Collapse to two levels (2)">collapse</button>
      <button type="button" onClick=${() => onLevel(null)} title="Expand all (a)">expand</button></span>
    ${scale.zoomed && html`<button type="button" class="primary" onClick=${() => onZoom(null)} title="Show the whole time (0)">${duration(scale.from)} – ${duration(scale.to)} ✕</button>`}
    <span class="tools-count faint" role="status">${hidden ? `${count(head.total)} of ${count(head.span_count)} spans` : `${count(spanCount)} spans`}</span>
  </div>`;
}

/** How many match; in a part of the trace, how many of these are in it. */
function foundIn({ count: all, rows }) {
  if (!all) return "none found";
  return rows.length < Math.min(all, MOST_PLACES) ? `${count(rows.length)} of ${count(all)} found` : `${count(all)} found`;
}

function Search({ text, matches, onMatch }) {
  const [typed, setTyped] = useState(text);
  const timer = useRef(0);
  useEffect(() => setTyped(text), [text]);
  const onInput = (event) => {
    setTyped(event.target.value);
    window.clearTimeout(timer.current);
    const value = event.target.value;
    timer.current = window.setTimeout(() => change({ q: value.trim() || null }, { replace: true }), PAUSE_MS);
  };
  const onKeyDown = (event) => {
    if (event.key === "Enter") onMatch(event.shiftKey ? -1 : 1);
    else if (event.key === "Escape") {
      if (typed) change({ q: null }, { replace: true });
      event.target.blur();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return html`<span class="tools-search"><input id="trace-search" type="search" placeholder="Search names, attributes, events, logs" aria-label="Search in the trace"
      value=${typed} maxlength="200" onInput=${onInput} onKeyDown=${onKeyDown} />
    ${matches && html`<span class="tools-matches" role="status">${foundIn(matches)}</span>
      <button type="button" class="plain" aria-label="Previous match (Shift+N)" disabled=${!matches.count} onClick=${() => onMatch(-1)}>↑</button>
      <button type="button" class="plain" aria-label="Next match (N)" disabled=${!matches.count} onClick=${() => onMatch(1)}>↓</button>`}</span>`;
}
