// The waterfall: of any number of rows, those are drawn that are in sight.
//
// In: rows, what is seen of the time, which row is selected. Out: selections, collapsed spans, zooms. State: how far it is
// scrolled, and its size.
import { duration } from "../../lib/format.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../../lib/preact.js";
import { Row } from "./row.js";
import { ticks, within, zoomed } from "./scale.js";

const MORE = 8;
const TICK_PX = 110;
const LEAST_PX = 260;
const INDENT = [3, 14];

/**
 * rows: of `useRows`. scale, tone, critical: see `Bar`. selected: index of a row, or null.
 * nameShare: percent of the width that the names have; null: the usual.
 * onSelect(row, index), onToggle(row, index), onZoom([from, to] or null). scrollTo: `{ index }`, scrolled to when it is new.
 */
export function Waterfall({ rows, scale, tone, critical, selected, scrollTo, onSelect, onToggle, onZoom, label, nameShare }) {
  const place = useRef(null);
  const [top, setTop] = useState(0);
  const size = useSize(place);
  const total = rows.head?.total ?? 0;
  const first = Math.max(0, Math.floor(top / size.row) - MORE);
  const last = Math.min(Math.max(0, total - 1), Math.ceil((top + size.height) / size.row) + MORE);
  useEffect(() => rows.need(first, last));
  useLayoutEffect(() => {
    if (scrollTo) bringIntoSight(place.current, scrollTo.index, size.row, scrollTo.centre);
  }, [scrollTo, size.row, size.height]);
  useWheelZoom(place, scale, onZoom);
  const seen = [];
  for (let index = first; index <= last && index < total; index += 1) seen.push([index, rows.row(index)]);
  const deepest = Math.max(1, ...seen.map(([, row]) => row?.depth ?? 0));
  const indent = Math.min(INDENT[1], Math.max(INDENT[0], (size.name * 0.4) / deepest));
  return html`<div class="waterfall ${rows.loading ? "is-loading" : ""}" style=${nameShare ? { "--trace-name": `${nameShare}%` } : undefined}>
    <${Scale} scale=${scale} width=${size.track} onZoom=${onZoom} />
    <div class="rows" ref=${place} tabindex="0" role="treegrid" aria-label=${label} aria-rowcount=${total} aria-busy=${rows.loading}
      aria-activedescendant=${selected !== null && selected >= first && selected <= last ? `row-${selected}` : undefined}
      onScroll=${(event) => setTop(event.currentTarget.scrollTop)}>
      <div class="rows-all" role="rowgroup" style=${{ height: `${total * size.row}px` }}>
        ${seen.map(([index, row]) => html`<${Row} key=${index} ...${{ row, index, total, indent, scale, tone, critical, onSelect, onToggle }}
          height=${size.row} width=${size.track} selected=${index === selected} />`)}
      </div>
    </div>
  </div>`;
}

/** The scale above the bars; dragging along it zooms. */
function Scale({ scale, width, onZoom }) {
  const place = useRef(null);
  const [drag, setDrag] = useState(null);
  const shareOf = (event) => {
    const box = place.current.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  };
  const nsAt = (share) => scale.from + share * (scale.to - scale.from);
  const onDown = (event) => {
    if (event.button !== 0) return;
    place.current.setPointerCapture(event.pointerId);
    setDrag([shareOf(event), shareOf(event)]);
  };
  const onUp = () => {
    if (drag && Math.abs(drag[1] - drag[0]) * width > 4) onZoom(within(scale.total, nsAt(Math.min(...drag)), nsAt(Math.max(...drag))));
    setDrag(null);
  };
  const found = ticks(scale, width / TICK_PX);
  return html`<div class="scale" aria-hidden="true">
    <span class="scale-title">span</span><span class="row-self number">self</span><span class="row-time number">time</span>
    <div class="scale-ticks" ref=${place} title="Drag to zoom" onPointerDown=${onDown} onPointerUp=${onUp}
      onPointerMove=${(event) => drag && setDrag([drag[0], shareOf(event)])} onPointerCancel=${() => setDrag(null)}>
      ${found.map(({ at, share }) => html`<span key=${at} class="tick ${share > 92 ? "is-last" : ""}" style=${{ left: `${share}%` }}>${duration(at)}</span>`)}
      ${drag && html`<span class="scale-part" style=${{ left: `${100 * Math.min(...drag)}%`, width: `${100 * Math.abs(drag[1] - drag[0])}%` }}></span>`}
    </div>
  </div>`;
}

/** Sizes in pixels: of a row, of what is in sight, of the columns. */
function useSize(place) {
  const [size, setSize] = useState({ row: 28, height: 600, track: 600, name: 300 });
  useLayoutEffect(() => {
    const element = place.current;
    const measure = () => {
      const above = element.getBoundingClientRect().top + window.scrollY;
      const room = window.innerHeight - above - 16;
      element.style.maxHeight = `${Math.max(LEAST_PX, room < window.innerHeight * 0.4 ? window.innerHeight * 0.7 : room)}px`;
      const scale = element.parentElement.querySelector(".scale-ticks");
      const row = Number.parseFloat(getComputedStyle(element).getPropertyValue("--trace-row")) || 28;
      const found = { row, height: element.clientHeight, track: scale.clientWidth, name: element.clientWidth - scale.clientWidth };
      setSize((before) => (Object.keys(found).some((key) => found[key] !== before[key]) ? found : before));
    };
    measure();
    const sizes = new ResizeObserver(measure);
    sizes.observe(element);
    sizes.observe(element.parentElement.querySelector(".scale-ticks"));
    sizes.observe(document.body);
    window.addEventListener("resize", measure);
    return () => {
      sizes.disconnect();
      window.removeEventListener("resize", measure);
    };
  }, []);
  return size;
}

function bringIntoSight(element, index, height, centre) {
  const at = index * height;
  const seen = element.clientHeight;
  if (centre) element.scrollTop = at - (seen - height) / 2;
  else if (at < element.scrollTop) element.scrollTop = at;
  else if (at + height > element.scrollTop + seen) element.scrollTop = at + height - seen;
}

/** Ctrl or Shift with the wheel zooms around the pointer. */
function useWheelZoom(place, scale, onZoom) {
  const latest = useRef(null);
  latest.current = { scale, onZoom };
  useEffect(() => {
    const element = place.current;
    const onWheel = (event) => {
      if (!event.ctrlKey && !event.shiftKey) return;
      event.preventDefault();
      const box = element.parentElement.querySelector(".scale-ticks").getBoundingClientRect();
      const { scale: now, onZoom: zoom } = latest.current;
      const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
      const turn = event.deltaY || event.deltaX;
      zoom(zoomed(now, turn > 0 ? 1.25 : 0.8, now.from + share * (now.to - now.from)));
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, []);
}
