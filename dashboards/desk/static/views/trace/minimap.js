// The whole trace, small: each span or lane as a line, the critical path below, and the part that is seen.
// Dragging chooses a part; dragging the chosen part moves it; a double click shows all again.
import { duration } from "../../lib/format.js";
import { html, useRef, useState } from "../../lib/preact.js";
import { within } from "./scale.js";

const DRAG_PX = 4;

/** overview: of the trace. scale: what is seen. tone: colours. onZoom: called with `[from, to]`, or null for all. */
export function Minimap({ overview, scale, tone, critical, onZoom }) {
  const place = useRef(null);
  const [drag, setDrag] = useState(null);
  const total = scale.total;
  const atOf = (event) => {
    const box = place.current.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * total;
  };
  const seen = drag?.part ?? [scale.from, scale.to];
  const onDown = (event) => {
    if (event.button !== 0) return;
    const at = atOf(event);
    const moves = scale.zoomed && at > scale.from && at < scale.to;
    setDrag({ at, x: event.clientX, moves, part: null });
    place.current.setPointerCapture(event.pointerId);
  };
  const onMove = (event) => {
    if (!drag || (!drag.part && Math.abs(event.clientX - drag.x) < DRAG_PX)) return;
    const at = atOf(event);
    const part = drag.moves ? within(total, scale.from + at - drag.at, scale.to + at - drag.at) : [Math.min(at, drag.at), Math.max(at, drag.at)];
    setDrag({ ...drag, part });
  };
  const onUp = () => {
    if (drag?.part) onZoom(within(total, ...drag.part));
    setDrag(null);
  };
  const percent = (ns) => `${(100 * ns) / total}%`;
  const shade = (from, to) => html`<div class="mini-shade" style=${{ left: percent(from), width: percent(Math.max(0, to - from)) }}></div>`;
  return html`<div class="mini" ref=${place} onPointerDown=${onDown} onPointerMove=${onMove} onPointerUp=${onUp}
      onPointerCancel=${() => setDrag(null)} onDblClick=${() => onZoom(null)} title="Drag to zoom, double-click to see all">
    <${Lines} ...${{ overview, tone, critical, total }} />
    ${(scale.zoomed || drag?.part) && html`${shade(0, seen[0])}${shade(seen[1], total)}
      <div class="mini-seen" style=${{ left: percent(seen[0]), width: percent(seen[1] - seen[0]) }}></div>`}
    <p class="unseen">${scale.zoomed ? `Zoomed from ${duration(scale.from)} to ${duration(scale.to)}.` : "The whole trace is seen."}</p>
  </div>`;
}

function Lines({ overview, tone, critical, total }) {
  const { minimap, lanes, services } = overview;
  const height = 100 / Math.max(lanes, 8);
  const fill = (service) => tone(services[service]?.service);
  return html`<svg class="mini-lines" viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true">
    ${minimap.map(([lane, offset, length, service, error], index) => html`<rect key=${index} x=${(1000 * offset) / total} y=${lane * height}
      width=${Math.max(1.5, (1000 * length) / total)} height=${Math.max(0.9, height * 0.7)} style=${{ fill: error ? "var(--bad)" : fill(service) }} />`)}
  </svg>
  <svg class="mini-path" viewBox="0 0 1000 4" preserveAspectRatio="none" aria-hidden="true">
    ${critical && overview.critical.map(([offset, length, service], index) => html`<rect key=${index} x=${(1000 * offset) / total} y="0"
      width=${Math.max(1, (1000 * length) / total)} height="4" style=${{ fill: fill(service) }} />`)}
  </svg>`;
}
