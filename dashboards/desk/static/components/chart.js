// A chart over time: lines, areas or bars, drawn by uPlot.
//
// uPlot draws on a canvas, which nobody can read with a screen reader or a keyboard. So beside it stand a table with the
// same numbers, for screen readers, and a live region that says the values at a point that the arrow keys move to.
// Dragging over the chart, or Shift with the arrow keys and Enter, chooses a time range.
import uPlot from "../vendor/uplot.js";
import { showRange } from "../lib/address.js";
import { clock, moment, writer } from "../lib/format.js";
import { useKeys } from "../lib/keyboard.js";
import { html, useEffect, useId, useMemo, useRef, useState } from "../lib/preact.js";
import { optionsOf, stacked } from "./chart_options.js";
import { ChartTable } from "./chart_table.js";
import { keepPlot } from "./plot.js";

const MOST_SPOKEN = 6;
const MOVES = { "ArrowLeft ArrowRight": ["in a chart (Tab goes there): its values", null] };
const RANGES = { "Shift ArrowLeft ArrowRight": ["in a chart: choose a time; Enter shows it", null] };

/**
 * title: what is drawn; shown unless `quiet`, and always read out.
 * unit: of the values: `ns`, `seconds`, `ratio`, `rate`, `count`, `number`.
 * times: Unix seconds. series: `[{ name, values, tone, dash, kind, unit }]`: a value is null where there is none; `tone`
 *   is a colour's name in tokens.css without the dashes (`p95`, `tone-1`, `bad`); `dash` is a list of lengths.
 * kind: `line`, `area`, `stack` or `bars`; a series may have its own.
 * height: `normal` or `small`. max: the least top of the scale.
 * thresholds: `[{ value, tone, name }]`. marks: `[{ time, tone, name }]`.
 * overlay: called with uPlot's plot after each drawing, to put something above it; a new function draws anew. top: returns
 *   the least top of the scale, at each drawing. onPoint: called with the index that is pointed at, or null.
 * onRange: called with two Unix seconds; by default the page shows that range. null: no brush.
 */
export function Chart(props) {
  const { title, unit = "number", times, series, quiet = false, height = "normal", onRange = showRange } = props;
  const place = useRef(null);
  const plot = useRef(null);
  const latest = useRef(props);
  latest.current = props;
  const [at, setAt] = useState(null);
  const shape = JSON.stringify([unit, props.kind, height, props.thresholds, series.map((s) => [s.name, s.tone, s.dash, s.kind, s.unit])]);
  const data = useMemo(() => [times, ...stacked(series, props.kind)], [times, series, props.kind]);
  const describedBy = useId();
  useKeys(onRange ? { ...MOVES, ...RANGES } : MOVES);

  useEffect(() => {
    const choose = (since, until) => (latest.current.onRange ?? showRange)(since, until);
    return keepPlot(place, plot, (element) => {
      const options = optionsOf({ ...latest.current, top: () => latest.current.top?.() ?? 0 }, element, (index) => setAt(index), onRange && choose);
      options.hooks.draw.push((made) => latest.current.overlay?.(made));
      return new uPlot(options, data, element);
    });
  }, [shape]);

  useEffect(() => plot.current?.setData(data), [data, props.overlay]);

  const pointed = useRef(null);
  const keys = useChartKeys(plot, times, at, setAt, onRange && ((from, to) => (props.onRange ?? showRange)(from, to)));
  const shown = keys.index ?? at;
  useEffect(() => {
    if (pointed.current !== shown) props.onPoint?.(shown);
    pointed.current = shown;
  }, [shown]);
  return html`<figure class="chart chart-${height}">
    ${!quiet && html`<figcaption><span class="chart-title">${title}</span><${Legend} series=${series} unit=${unit} times=${times} index=${keys.index ?? at} /></figcaption>`}
    <div class="chart-place" ref=${place} tabindex="0" role="application" aria-roledescription="chart" aria-label=${title}
      aria-describedby=${describedBy} onKeyDown=${keys.onKeyDown} onBlur=${keys.onBlur}></div>
    <p id=${describedBy} class="unseen">Arrow keys move along the time.${onRange ? " With Shift they choose a range, Enter shows it." : ""}</p>
    <p class="unseen" role="status" aria-live="polite">${keys.index == null ? "" : spoken(times, series, unit, keys.index)}</p>
    <${ChartTable} title=${title} times=${times} series=${series} unit=${unit} />
  </figure>`;
}

/** The names of the series with their tones, and their values at an index. */
function Legend({ series, unit, times, index }) {
  return html`<span class="legend" aria-hidden="true">${index != null && html`<span class="legend-time">${timeOf(times[index])}</span>`}${series.map((one) => html`<span class="legend-item" key=${one.name}>
    <i class="swatch ${one.dash ? "is-dashed" : ""}" style=${{ "--swatch": `var(--${one.tone})` }}></i>${one.name}
    ${index != null && html`<b>${writer(one.unit ?? unit)(one.values[index])}</b>`}</span>`)}</span>`;
}

function spoken(times, series, unit, index) {
  const values = series.slice(0, MOST_SPOKEN).map((one) => `${one.name} ${writer(one.unit ?? unit)(one.values[index])}`);
  return `${clock(times[index] * 1000)}: ${values.join(", ")}`;
}

/** Moves a point along the chart by the keyboard, and chooses a range. */
function useChartKeys(plot, times, pointed, setAt, onRange) {
  const [index, setIndex] = useState(null);
  const from = useRef(null);
  const show = (next) => {
    const chart = plot.current;
    setIndex(next);
    if (!chart || next == null) return;
    chart.setCursor({ left: chart.valToPos(times[next], "x"), top: chart.bbox.height / (3 * devicePixelRatio) });
    const start = from.current == null ? null : chart.valToPos(times[Math.min(from.current, next)], "x");
    const width = start == null ? 0 : Math.abs(chart.valToPos(times[next], "x") - chart.valToPos(times[from.current], "x"));
    chart.setSelect({ left: start ?? 0, width, top: 0, height: chart.bbox.height / devicePixelRatio }, false);
  };
  const onKeyDown = (event) => {
    const last = times.length - 1;
    const now = index ?? pointed ?? last;
    const next = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: last, PageUp: now - 10, PageDown: now + 10 }[event.key];
    if (next !== undefined && last >= 0) {
      event.preventDefault();
      if (event.shiftKey && onRange) from.current ??= now;
      else from.current = null;
      show(Math.max(0, Math.min(last, next)));
    } else if (event.key === "Escape" && index != null) {
      from.current = null;
      show(null);
    } else if (event.key === "Enter" && from.current != null && index != null) {
      const ends = [times[from.current], times[index]].sort((a, b) => a - b);
      from.current = null;
      show(null);
      onRange(...ends);
    }
  };
  const onBlur = () => {
    from.current = null;
    setIndex(null);
    setAt(null);
    plot.current?.setCursor({ left: -10, top: -10 });
    plot.current?.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  };
  return { index, onKeyDown, onBlur };
}

/** The title of a point in time: the time of day, with the day where that is not today. */
export const timeOf = (seconds) => moment(seconds * 1000);
