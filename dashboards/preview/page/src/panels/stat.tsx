// The last value of each query, large; a value with a unit of its own, such as a change, is small and stands below, if there is one.
import { Box, Typography, useTheme } from "@mui/material";
import type { TimeSeries } from "@perses-dev/core";
import type { ReactElement } from "react";
import type { Column } from "../api";
import { shown } from "../format";
import { toneOf, useColors } from "../tones";
import { lastOf, type Props, seriesOf } from "./answers";

export interface StatSpec {
  columns: Column[];
  nothing: string;
}

interface Value {
  column: Column;
  series: TimeSeries | undefined;
  last: number | null;
  pending: boolean;
}

export function Stat({ spec, answers, contentDimensions }: Props<StatSpec>): ReactElement | null {
  if (contentDimensions === undefined) return null;
  const found = seriesOf(answers);
  const values = spec.columns.flatMap((column, index): Value[] =>
    column.hidden ? [] : [{ column, series: found[index]?.[0], last: lastOf(found[index]?.[0]), pending: answers[index] === undefined }],
  );
  const large = values.filter(({ column }) => column.main);
  const small = values.filter(({ column, last }) => !column.main && last !== null);
  const height = contentDimensions.height;
  const size = Math.min(height * (small.length ? 0.36 : 0.42), contentDimensions.width / (large.length * 4.6), 52);
  return (
    <Box sx={{ position: "relative", height, overflow: "hidden" }}>
      <Sparkline series={large[0]?.series} width={contentDimensions.width} height={height * 0.32} />
      <Box sx={{ position: "relative", height: small.length || large.length > 1 ? "88%" : "84%", display: "flex", flexDirection: "column", justifyContent: "center" }}>
        <Box sx={{ display: "flex", justifyContent: "space-evenly" }}>
          {large.map((value, index) => (
            <Large key={index} value={value} size={size} nothing={spec.nothing} titled={large.length > 1} />
          ))}
        </Box>
        {small.map((value, index) => (
          <Small key={index} value={value} />
        ))}
      </Box>
    </Box>
  );
}

function Large({ value, size, nothing, titled }: { value: Value; size: number; nothing: string; titled: boolean }): ReactElement {
  const colors = useColors();
  const tone = toneOf(value.last, value.column.steps);
  return (
    <Box sx={{ textAlign: "center" }}>
      <Box sx={{ fontSize: size, lineHeight: 1.15, fontWeight: 600, color: colors(tone), whiteSpace: "nowrap", fontVariantNumeric: "tabular-nums" }}>
        {value.pending ? "\u00a0" : shown(value.last, value.column.unit, nothing)}
      </Box>
      {titled && <Typography variant="caption" color="text.secondary">{value.column.title}</Typography>}
    </Box>
  );
}

function Small({ value }: { value: Value }): ReactElement {
  const colors = useColors();
  const { last, column } = value;
  const sign = last !== null && last > 0 && column.unit === "percentunit" ? "+" : "";
  return (
    <Typography variant="caption" color="text.secondary" sx={{ textAlign: "center", whiteSpace: "nowrap" }}>
      <Box component="span" sx={{ color: colors(toneOf(last, column.steps)), fontWeight: 600 }}>
        {sign + shown(last, column.unit)}
      </Box>{" "}
      {column.title}
    </Typography>
  );
}

/** The course of a value, as a faint area; nothing for a single point. */
function Sparkline({ series, width, height }: { series: TimeSeries | undefined; width: number; height: number }): ReactElement | null {
  const theme = useTheme();
  const points = (series?.values ?? []).filter((point): point is [number, number] => point[1] !== null && Number.isFinite(point[1]));
  const [first, last] = [points[0], points[points.length - 1]];
  if (!first || !last || first === last) return null;
  const values = points.map(([, value]) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const x = (time: number): string => ((width * (time - first[0])) / (last[0] - first[0])).toFixed(1);
  const y = (value: number): string => (height - 2 - (height - 6) * (high > low ? (value - low) / (high - low) : 0.3)).toFixed(1);
  const line = points.map(([time, value]) => `${x(time)},${y(value)}`).join(" ");
  const color = theme.palette.primary.main;
  return (
    <svg width={width} height={height} style={{ position: "absolute", bottom: 0, left: 0 }} aria-hidden="true">
      <polygon points={`0,${height} ${line} ${width},${height}`} fill={color} opacity={0.1} />
      <polyline points={line} fill="none" stroke={color} strokeWidth={1.5} opacity={0.55} />
    </svg>
  );
}
