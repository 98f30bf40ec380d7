// The buckets of a histogram over time: the darker a cell, the more fell into it. Each dot is a single one, and opens its trace.
import { ChartTable } from "../../components/chart_table.js";
import { token } from "../../components/chart_options.js";
import { keepPlot } from "../../components/plot.js";
import { showRange } from "../../lib/address.js";
import { clock, moment } from "../../lib/format.js";
import { html, useEffect, useRef, useState } from "../../lib/preact.js";
import uPlot from "../../vendor/uplot.js";
import { drawExemplars, useExemplars } from "./exemplars.js";
import { unitOf } from "./units.js";

/** panel, answers, grid: of a heat map; its series differ by `le`. */
export function Heat({ panel, answers, grid, variables }) {
  const place = useRef(null);
  const plot = useRef(null);
  const [at, setAt] = useState(null);
  const unit = unitOf(panel.unit);
  const heat = cellsOf(answers[0], grid);
  const exemplars = useExemplars(panel, grid, variables);
  const latest = useRef(null);
  latest.current = { heat, grid, exemplars, unit };
  useEffect(() => {
    const empty = [grid.times, grid.times.map(() => null)];
    return keepPlot(place, plot, (element) => new uPlot(optionsOf(latest, element, setAt), empty, element));
  }, [heat.rows.length, exemplars]);
  useEffect(() => plot.current?.setData([grid.times, grid.times.map(() => null)]), [answers]);
  const named = heat.rows.map((row) => ({ name: nameOf(row, unit), values: row.values, unit: "rate" }));
  const pointed = at && heat.rows[at.row];
  return html`<figure class="chart chart-board" aria-label=${panel.title}>
    <div class="chart-place" ref=${place}></div>
    <p class="board-legend heat-legend">${pointed ? html`<span>${moment(grid.times[at.index] * 1000)}</span><span>${nameOf(pointed, unit)}</span><b>${unitOf("cps").write(pointed.values[at.index])}</b>`
      : html`<span class="faint">darker: more, up to ${unitOf("cps").write(heat.most)}</span>`}</p>
    <${ChartTable} title=${panel.title} times=${grid.times} series=${named} unit="rate" />
  </figure>`;
}

function nameOf(row, unit) {
  if (!row.isWhole) return namedByBounds(row, unit);
  const [least, most] = [Math.ceil(row.lower), Math.floor(row.upper)];
  if (most === Infinity) return `over ${unit.write(least - 1)}`;
  return least < most ? `${unit.write(least)} to ${unit.write(most)}` : unit.write(most);
}

const namedByBounds = (row, unit) => (row.upper === Infinity ? `over ${unit.write(row.lower)}` : `${unit.write(row.lower)} to ${unit.write(row.upper)}`);

/** The rates of each bucket alone, from those up to each bound; empty buckets at both ends are left out. */
function cellsOf(series, grid) {
  const upTo = series.map((each) => ({ upper: each.metric.le === "+Inf" ? Infinity : Number(each.metric.le), values: each.values })).sort((a, b) => a.upper - b.upper);
  const finite = upTo.filter(({ upper }) => upper !== Infinity);
  const isWhole = finite.length > 0 && finite.every(({ upper }) => upper % 1 === 0.5); // whole numbers, by bounds between them
  const rows = upTo.map(({ upper, values }, index) => ({
    isWhole, upper, lower: index ? upTo[index - 1].upper : 0,
    values: values.map((value, time) => (value === null ? null : Math.max(0, value - (index ? upTo[index - 1].values[time] ?? 0 : 0)))),
  }));
  const used = rows.map((row) => row.values.some((value) => value > 1e-9));
  const [first, last] = [Math.max(0, used.indexOf(true) - 1), Math.min(rows.length, used.lastIndexOf(true) + 2)];
  const kept = rows.slice(first, last);
  return { rows: kept, most: Math.max(0, ...kept.flatMap((row) => row.values.map((value) => value ?? 0))), step: grid.step };
}

function optionsOf(latest, place, onPoint) {
  const axis = { stroke: token("text-faint"), font: `11px ${token("font")}`, ticks: { show: false }, grid: { show: false } };
  const label = (index) => {
    const { upper = Infinity, isWhole } = latest.current.heat.rows[index - 1] ?? {};
    return upper === Infinity ? "" : latest.current.unit.write(isWhole ? Math.floor(upper) : upper);
  };
  return {
    width: Math.max(120, place.clientWidth), height: Math.max(60, place.clientHeight), padding: [8, 8, 0, 0], legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false, dist: 5 } },
    scales: { x: { time: true }, y: { range: () => [0, latest.current.heat.rows.length] } },
    axes: [
      { ...axis, size: 26, gap: 6, space: 64, values: (_, ticks) => ticks.map((tick) => clock(tick * 1000, { seconds: ticks.length > 1 && ticks[1] - ticks[0] < 60 })) },
      { ...axis, size: 58, gap: 6, splits: () => splitsOf(latest.current.heat.rows.length), values: (_, ticks) => ticks.map(label) },
    ],
    series: [{}, { scale: "y" }],
    hooks: {
      drawClear: [(plot) => paint(plot, latest.current)],
      draw: [(plot) => drawExemplars(plot, latest.current.exemplars, latest.current.unit, (value) => heightOf(plot, latest.current.heat.rows, value))],
      setSelect: [choose],
      setCursor: [(plot) => onPoint(pointedAt(plot, latest.current.heat.rows))],
    },
  };
}

const splitsOf = (rows) => Array.from({ length: rows }, (_, index) => index + 1).filter((index) => rows < 9 || index % 2 === 0);

/** Where a value stands inside of its bucket. */
function heightOf(plot, rows, value) {
  const row = rows.findIndex((each) => value <= each.upper);
  if (row < 0) return 0;
  const { lower, upper } = rows[row];
  const inside = upper === Infinity || upper <= lower ? 0.5 : Math.max(0, (value - lower) / (upper - lower));
  return plot.valToPos(row + inside, "y");
}

function pointedAt(plot, rows) {
  const { idx: index, top } = plot.cursor;
  if (index == null || top == null || top < 0) return null;
  const row = Math.floor(plot.posToVal(top, "y"));
  return rows[row] ? { index, row } : null;
}

function choose(plot) {
  const { left, width } = plot.select;
  if (width < 3) return;
  plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  showRange(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
}

function paint(plot, { heat, grid }) {
  const { ctx, bbox } = plot;
  const width = Math.max(1, (bbox.width * heat.step) / Math.max(1, plot.scales.x.max - plot.scales.x.min));
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.fillStyle = token("accent");
  heat.rows.forEach((row, index) => {
    const [top, bottom] = [plot.valToPos(index + 1, "y", true), plot.valToPos(index, "y", true)];
    row.values.forEach((value, time) => {
      if (!value) return;
      ctx.globalAlpha = 0.1 + 0.9 * Math.sqrt(value / heat.most);
      const left = plot.valToPos(grid.times[time], "x", true) - width;
      ctx.fillRect(left, top, Math.ceil(width), bottom - top - devicePixelRatio);
    });
  });
  ctx.restore();
}
