// Durations over the number of documents: whether a request is slow, or only large. A click opens the trace.
import { asked, go, traceLink } from "../lib/address.js";
import { useAnswer } from "../lib/api.js";
import { count, digits, duration } from "../lib/format.js";
import { html, useEffect, useMemo, useRef, useState } from "../lib/preact.js";
import { Loading } from "./state.js";

const [HEIGHT, LEFT, BOTTOM, TOP, RIGHT] = [190, 58, 26, 10, 24];
const USUAL_WIDTH = 640;

/** address: what is shown. */
export function Scatter({ address }) {
  const { answer, error } = useAnswer("/api/scatter", asked(address, { x: "len_docs" }));
  const points = useMemo(() => normal(answer?.points), [answer]);
  const [place, width] = useWidth(points.length > 0);
  if (!answer && !error) return html`<${Loading} />`;
  if (points.length === 0) return null;
  const most = { x: nice(1.05 * Math.max(...points.map((point) => point.x), 1)), y: nice(Math.max(...points.map((point) => point.y), 1)) };
  const at = (point) => [LEFT + (point.x / most.x) * (width - LEFT - RIGHT), TOP + (1 - point.y / most.y) * (HEIGHT - TOP - BOTTOM)];
  return html`<figure class="chart scatter"><figcaption><span class="chart-title">Duration over len_docs</span>
      <span class="legend"><span class="legend-item"><i class="swatch is-dot" style=${{ "--swatch": "var(--accent)" }}></i>a request</span>
        ${points.some((point) => point.bad) && html`<span class="legend-item"><i class="swatch is-block" style=${{ "--swatch": "var(--bad)" }}></i>failed</span>`}</span></figcaption>
    <div ref=${place}><svg width=${width} height=${HEIGHT} role="img" aria-label=${`Durations of ${count(points.length)} requests over their number of documents`}>
      ${[0, 0.5, 1].map((part) => html`<g key=${part}><line x1=${LEFT} x2=${width - RIGHT} y1=${TOP + (1 - part) * (HEIGHT - TOP - BOTTOM)} y2=${TOP + (1 - part) * (HEIGHT - TOP - BOTTOM)} />
        <text x=${LEFT - 8} y=${TOP + (1 - part) * (HEIGHT - TOP - BOTTOM) + 4} text-anchor="end">${part ? duration(most.y * part) : "0"}</text>
        <text x=${LEFT + part * (width - LEFT - RIGHT)} y=${HEIGHT - 8} text-anchor=${part === 1 ? "end" : part ? "middle" : "start"}>${digits(most.x * part)}</text></g>`)}
      ${points.map((point, index) => {
        const [x, y] = at(point);
        const open = point.trace ? () => go(traceLink(point.trace)) : undefined;
        const title = html`<title>${`${count(point.x)} documents, ${duration(point.y)}${point.bad ? ", failed" : ""}`}</title>`;
        return point.bad ? html`<rect key=${index} class="is-bad" x=${x - 3} y=${y - 3} width="6" height="6" onClick=${open}>${title}</rect>`
          : html`<circle key=${index} cx=${x} cy=${y} r="3" onClick=${open}>${title}</circle>`;
      })}</svg></div></figure>`;
}

/** The width of an element once it is shown, in pixels. */
function useWidth(shown) {
  const place = useRef(null);
  const [width, setWidth] = useState(USUAL_WIDTH);
  useEffect(() => {
    if (!place.current) return undefined;
    const sizes = new ResizeObserver(([entry]) => setWidth(Math.max(200, Math.floor(entry.contentRect.width))));
    sizes.observe(place.current);
    return () => sizes.disconnect();
  }, [shown]);
  return [place, width];
}

/** The API's points as `{ x, y, trace, bad }`. */
function normal(points = []) {
  return points.map((point) => ({ x: point.x, y: point.duration_ns, trace: point.trace_id, bad: point.outcome === "error" }));
}

/** The next number above that is pleasant to read. */
function nice(number) {
  const power = 10 ** Math.floor(Math.log10(number));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((step) => step >= number) ?? number;
}
