// Buckets of a histogram over time: a row for each bucket, the darker the more of all values of its moment are in it.
import { useTheme } from "@mui/material";
import type { TimeSeries } from "@perses-dev/core";
import { EChart, useChartsTheme } from "@perses-dev/components";
import { HeatmapChart } from "echarts/charts";
import { GridComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
import { use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { type ReactElement, useMemo } from "react";
import { shown } from "../format";
import { type Props, seriesOf } from "./answers";

use([HeatmapChart, GridComponent, TooltipComponent, VisualMapComponent, CanvasRenderer]);

export interface HeatSpec {
  unit: string;
}

interface Cells {
  times: number[];
  ticks: Set<number>;
  rows: string[];
  cells: [number, number, number][];
  most: number;
}

const LIGHT = ["#e8f0fd", "#a8c8f8", "#5b9bf0", "#1d6fe0", "#123f86"];
const DARK = ["#14263f", "#1d4a86", "#2f7de0", "#7db4ff", "#e3efff"];

export function Heat({ spec, answers, contentDimensions }: Props<HeatSpec>): ReactElement | null {
  const theme = useTheme();
  const { echartsTheme } = useChartsTheme();
  const found = useMemo(() => cellsOf(seriesOf(answers).flat(), spec.unit), [answers, spec.unit]);
  const option = useMemo(
    () => ({
      animation: false,
      grid: { top: 10, right: 16, bottom: 4, left: 12, containLabel: true },
      tooltip: {
        appendToBody: true,
        formatter: ({ value: [time, row, count] }: { value: [number, number, number] }) =>
          `${clock(found.times[time])}<br>${found.rows[row]}: <b>${shown(count, "short")}/s</b>`,
      },
      xAxis: { type: "category", data: found.times, axisTick: { show: false }, splitLine: { show: false }, axisLabel: { interval: (_: number, time: string) => found.ticks.has(Number(time)), formatter: (time: string) => clock(Number(time)) } },
      yAxis: { type: "category", data: found.rows, axisTick: { show: false }, splitLine: { show: false }, axisLabel: { hideOverlap: true } },
      visualMap: { show: false, min: 0, max: found.most, inRange: { color: theme.palette.mode === "dark" ? DARK : LIGHT } },
      series: [{ type: "heatmap", data: found.cells, progressive: 0, itemStyle: { borderWidth: 0 } }],
    }),
    [found, theme.palette.mode],
  );
  if (contentDimensions === undefined) return null;
  return <EChart sx={{ ...contentDimensions }} option={option} theme={echartsTheme} />;
}

const MINUTE = 60_000;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440].map((minutes) => minutes * MINUTE);
const MOST_TICKS = 8;

/** Moments that are written below the picture: the first of each so many minutes. */
function ticksOf(times: number[]): Set<number> {
  const range = (times[times.length - 1] ?? 0) - (times[0] ?? 0);
  const step = STEPS.find((each) => range / each <= MOST_TICKS) ?? 24 * 60 * MINUTE;
  return new Set(times.filter((time, index) => index > 0 && Math.floor(time / step) > Math.floor((times[index - 1] ?? 0) / step)));
}

const clock = (time: number | undefined): string =>
  time === undefined ? "" : new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });

/** Classic buckets count all values up to their bound: a cell is the difference from the bucket below. */
function cellsOf(series: TimeSeries[], unit: string): Cells {
  const buckets = series
    .map((each) => ({ bound: boundOf(each), counts: new Map(each.values.map(([time, value]) => [time, value ?? 0])) }))
    .sort((a, b) => a.bound - b.bound);
  const times = [...new Set(series.flatMap((each) => each.values.map(([time]) => time)))].sort((a, b) => a - b);
  const cells = buckets.flatMap(({ counts }, row) =>
    times.map((time, column): [number, number, number] => [column, row, Math.max(0, (counts.get(time) ?? 0) - (buckets[row - 1]?.counts.get(time) ?? 0))]),
  );
  const used = cells.filter(([, , count]) => count > 1e-9).map(([, row]) => row);
  const [low, high] = used.length ? [Math.max(0, Math.min(...used) - 1), Math.min(buckets.length - 1, Math.max(...used) + 1)] : [0, -1];
  const shownCells = cells
    .filter(([, row, count]) => row >= low && row <= high && count > 1e-9)
    .map(([column, row, count]): [number, number, number] => [column, row - low, count]);
  return {
    times,
    ticks: ticksOf(times),
    rows: buckets.slice(low, high + 1).map(({ bound }, index, all) =>
      Number.isFinite(bound) ? `≤ ${shown(bound, unit)}` : `> ${shown(all[index - 1]?.bound, unit)}`,
    ),
    cells: shownCells,
    most: Math.max(1e-9, ...shownCells.map(([, , count]) => count)),
  };
}

function boundOf(series: TimeSeries): number {
  const bound = series.labels?.le ?? series.formattedName ?? "";
  return bound === "+Inf" ? Infinity : Number(bound);
}
