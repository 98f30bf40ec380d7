// What uPlot is told for a chart: scales, axes, strokes, the brush. In: a chart's properties. Out: uPlot's options.
import { clock, day, writer } from "../lib/format.js";
import uPlot from "../vendor/uplot.js";

const STEPS_NS = [1, 2, 5].flatMap((n) => Array.from({ length: 13 }, (_, power) => n * 10 ** power)).sort((a, b) => a - b);
const FILLED = { area: 0.16, stack: 0.75, bars: 0.85 };

/** The value of a custom property of tokens.css. */
export const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** The values of the series as they are drawn: each on top of the one before, for `stack`. */
export function stacked(series, kind) {
  if (kind !== "stack") return series.map((one) => one.values);
  let below = null;
  return series.map((one) => {
    below = one.values.map((value, index) => (value ?? 0) + (below?.[index] ?? 0));
    return below.map((value, index) => (series.some((each) => each.values[index] != null) ? value : null));
  });
}

/** uPlot's options. `onPoint` gets the index under the pointer or null, `onRange` two Unix seconds. */
export function optionsOf(props, place, onPoint, onRange) {
  const { unit = "number", series, kind = "line", thresholds = [], marks = [], max = 0, top = () => 0 } = props;
  const line = token("line");
  const text = token("text-faint");
  const font = `11px ${token("font")}`;
  const axis = { stroke: text, font, grid: { stroke: line, width: 1 }, ticks: { show: false } };
  const write = writer(unit);
  const inTime = unit === "ns" || unit === "seconds";
  return {
    width: Math.max(120, place.clientWidth),
    height: Math.max(60, place.clientHeight),
    padding: [8, 24, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: Boolean(onRange), y: false, setScale: false, dist: 5 },
      points: { size: 6, width: 1.5, fill: () => token("surface") },
    },
    scales: {
      x: { time: true },
      y: { range: (_, __, most) => [0, Math.max((most || 0) * 1.08, max, top(), ...thresholds.map((each) => each.value * 1.1), unit === "ratio" ? 0.01 : 1e-9)] },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 26, gap: 6, space: 64, values: timeLabels },
      { ...axis, size: 58, gap: 6, space: 44, values: (_, ticks) => ticks.map((tick) => (tick === 0 ? "0" : write(tick))), ...(inTime && unit === "ns" ? { incrs: STEPS_NS } : {}) },
    ],
    series: [{}, ...drawn(series, kind)],
    bands: kind === "stack" ? series.slice(1).map((_, index) => ({ series: [index + 2, index + 1] })) : undefined,
    hooks: {
      setCursor: [(plot) => onPoint(plot.cursor.idx ?? null)],
      setSelect: [(plot) => onRange && choose(plot, onRange)],
      draw: [(plot) => [...thresholds.map((each) => level(plot, each)), ...marks.map((mark) => upright(plot, mark))]],
    },
  };
}

function drawn(series, kind) {
  return series.map((one) => {
    const colour = token(one.tone);
    const own = one.kind ?? kind;
    const fill = FILLED[own] ? fade(colour, FILLED[own]) : undefined;
    const bars = own === "bars" ? { paths: uPlot.paths.bars({ size: [0.8, 24], radius: 0.15 }) } : {};
    return {
      label: one.name,
      stroke: colour,
      width: own === "bars" ? 0 : 1.6,
      dash: one.dash,
      fill,
      spanGaps: false,
      gaps: (plot, _, __, ___, gaps) => joined(gaps, one.values, plot.bbox.width),
      points: { show: false, filter: () => (own === "bars" ? null : pointsOf(one.values)), size: 5, fill: colour, width: 0 },
      ...bars,
    };
  });
}

/**
 * Gaps that meet in a point are one, and those at the ends go on where a point stands alone there: of the line to such a
 * point, a stroke as wide as a pixel would be left.
 */
function joined(gaps, values, width) {
  const all = [];
  for (const [from, to] of gaps) {
    if (all.length && from - all.at(-1)[1] <= 1) all.at(-1)[1] = to;
    else all.push([from, to]);
  }
  const [first, last] = [values.findIndex((value) => value != null), values.findLastIndex((value) => value != null)];
  if (all.length && values[first + 1] == null) all[0][0] -= width;
  if (all.length && values[last - 1] == null) all.at(-1)[1] += width;
  return all;
}

/** The points that are drawn as dots: all where there are few, else those that no line reaches. */
function pointsOf(values) {
  const known = values.flatMap((value, index) => (value == null ? [] : [index]));
  return known.length < 12 ? known : known.filter((index) => values[index - 1] == null && values[index + 1] == null);
}

function timeLabels(plot, ticks) {
  const long = plot.scales.x.max - plot.scales.x.min > 86_400 * 1.5;
  const fine = ticks.length > 1 && ticks[1] - ticks[0] < 60;
  let shown = "";
  return ticks.map((tick) => {
    const today = day(tick * 1000);
    const label = long ? `${today === shown ? "" : `${today} `}${clock(tick * 1000, { seconds: false })}` : clock(tick * 1000, { seconds: fine });
    shown = today;
    return label;
  });
}

function choose(plot, onRange) {
  const { left, width } = plot.select;
  if (width < 3) return;
  const [since, until] = [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
  plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  onRange(since, until);
}

function level(plot, { value, tone }) {
  const y = Math.round(plot.valToPos(value, "y", true)) + 0.5;
  stroke(plot, tone, plot.bbox.left, y, plot.bbox.left + plot.bbox.width, y);
}

function upright(plot, { time, tone }) {
  const x = Math.round(plot.valToPos(time, "x", true)) + 0.5;
  stroke(plot, tone, x, plot.bbox.top, x, plot.bbox.top + plot.bbox.height);
}

function stroke(plot, tone, ...[x, y, toX, toY]) {
  const { ctx } = plot;
  ctx.save();
  ctx.strokeStyle = token(tone);
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(x, y);
  ctx.lineTo(toX, toY);
  ctx.stroke();
  ctx.restore();
}

function fade(colour, alpha) {
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  return `rgb(${r} ${g} ${b} / ${alpha})`;
}
