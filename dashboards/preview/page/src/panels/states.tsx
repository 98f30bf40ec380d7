// Which of a few states holds, over time: a row for each series, an area for each time without a change.
import { Box, Typography } from "@mui/material";
import { EChart, useChartsTheme } from "@perses-dev/components";
import { CustomChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import { use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { type ReactElement, useMemo } from "react";
import type { Tone } from "../api";
import { FILLS } from "../tones";
import type { Answers, Props } from "./answers";

use([CustomChart, GridComponent, TooltipComponent, CanvasRenderer]);

interface State {
  value: number;
  name: string;
  tone: Tone;
}

export interface StatesSpec {
  states: State[];
}

interface Run {
  row: number;
  start: number;
  end: number;
  state: State;
}

interface Api {
  coord: (point: [number, number]) => [number, number];
  size: (extent: [number, number]) => [number, number];
}

const LEGEND = 26;

export function States({ spec, answers, contentDimensions }: Props<StatesSpec>): ReactElement | null {
  const { echartsTheme } = useChartsTheme();
  const { rows, runs, range } = useMemo(() => runsOf(answers, spec.states), [answers, spec.states]);
  const option = useMemo(
    () => ({
      animation: false,
      grid: { top: 6, right: 24, bottom: 4, left: 12, containLabel: true },
      tooltip: {
        appendToBody: true,
        formatter: ({ dataIndex }: { dataIndex: number }) => toldOf(runs[dataIndex], rows),
      },
      xAxis: { type: "time", min: range[0], max: range[1], splitLine: { show: false }, axisLabel: { hideOverlap: true } },
      yAxis: { type: "category", data: rows, inverse: true, axisTick: { show: false }, axisLine: { show: false }, splitLine: { show: false }, axisLabel: { interval: 0, width: 220, overflow: "truncate" } },
      series: [
        {
          type: "custom",
          encode: { x: [1, 2], y: 0 },
          data: runs.map(({ row, start, end }) => [row, start, end]),
          renderItem: ({ dataIndex }: { dataIndex: number }, api: Api) => drawn(runs[dataIndex], api),
        },
      ],
    }),
    [rows, runs, range],
  );
  if (contentDimensions === undefined) return null;
  const { width, height } = contentDimensions;
  return (
    <Box>
      <EChart sx={{ width, height: height - LEGEND }} option={option} theme={echartsTheme} />
      <Box sx={{ height: LEGEND, px: 1.5, display: "flex", gap: 2, alignItems: "center" }}>
        {spec.states.map(({ name, tone }) => (
          <Typography key={name} variant="caption" sx={{ display: "flex", gap: 0.75, alignItems: "center" }}>
            <Box component="span" sx={{ width: 12, height: 12, borderRadius: 0.5, backgroundColor: FILLS[tone] }} />
            {name}
          </Typography>
        ))}
      </Box>
    </Box>
  );
}

/** Moments that follow each other with the same state are one area; a state holds until the next moment. */
function runsOf(answers: Answers, states: State[]): { rows: string[]; runs: Run[]; range: [number, number] } {
  const named = new Map(states.map((state) => [state.value, state]));
  const [rows, runs]: [string[], Run[]] = [[], []];
  let range: [number, number] = [Infinity, -Infinity];
  for (const answer of answers) {
    const { start, end } = answer?.timeRange ?? {};
    if (start && end) range = [Math.min(range[0], start.getTime()), Math.max(range[1], end.getTime())];
    for (const series of answer?.series ?? []) {
      const row = rows.push(series.formattedName ?? series.name) - 1;
      const step = answer?.stepMs ?? 0;
      let last: Run | undefined;
      for (const [time, value] of series.values) {
        const state = value === null ? undefined : named.get(value);
        if (!state) continue;
        if (last?.state === state && time <= last.end) last.end = time + step;
        else runs.push((last = { row, start: time, end: time + step, state }));
      }
    }
  }
  for (const run of runs) run.end = Math.min(run.end, Math.max(range[1], run.start));
  return { rows, runs, range };
}

function drawn(run: Run | undefined, { coord, size }: Api): object | undefined {
  if (!run) return undefined;
  const [[left, middle], [right]] = [coord([run.start, run.row]), coord([run.end, run.row])];
  const height = Math.min(28, size([0, 1])[1] * 0.72);
  return {
    type: "rect",
    shape: { x: left, y: middle - height / 2, width: Math.max(1, right - left), height },
    style: { fill: FILLS[run.state.tone] },
  };
}

function toldOf(run: Run | undefined, rows: string[]): string {
  if (!run) return "";
  const clock = (time: number): string => new Date(time).toLocaleTimeString([], { hour12: false });
  const name = document.createElement("span"); // the row's name is a label's value: shown as text
  name.textContent = rows[run.row] ?? "";
  return `${name.innerHTML}: <b>${run.state.name}</b><br>${clock(run.start)} – ${clock(run.end)}`;
}
