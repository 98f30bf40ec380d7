// A row for each set of labels, a column for each query, tones, an order, and links from each row.
import { Box, Table as Grid, TableBody, TableCell, TableHead, TableRow, TableSortLabel } from "@mui/material";
import { type ReactElement, useMemo, useState } from "react";
import type { Column, Link } from "../api";
import { shown } from "../format";
import { LinkMenu } from "../links";
import { toneOf, useColors } from "../tones";
import { type Answers, lastOf, type Props, seriesOf } from "./answers";

export interface TableSpec {
  labels: { name: string; title: string }[];
  columns: Column[];
  sort: string;
  grayBelow: { title: string; value: number } | null;
  links: Link[];
  nothing: string;
}

interface Line {
  key: string;
  labels: Record<string, string>;
  values: (number | null)[];
}

export function Table({ spec, answers, contentDimensions }: Props<TableSpec>): ReactElement | null {
  const lines = useMemo(() => joined(answers, spec), [answers, spec]);
  const [order, setOrder] = useState<{ title: string; rising: boolean }>({ title: spec.sort, rising: false });
  if (contentDimensions === undefined) return null;
  const pending = spec.columns.map((_, index) => answers[index] === undefined);
  const sorted = [...lines].sort((a, b) => compared(a, b, order.title, spec) * (order.rising ? 1 : -1));
  const turn = (title: string): void => setOrder({ title, rising: order.title === title && !order.rising });
  const heads = [
    ...spec.labels.map(({ title }) => ({ title, right: false })),
    ...spec.columns.filter(({ hidden }) => !hidden).map(({ title }) => ({ title, right: true })),
  ];
  return (
    <Box sx={{ height: contentDimensions.height, overflow: "auto" }}>
      <Grid size="small" stickyHeader sx={{ "& th, & td": { px: 1.25, fontSize: 13 }, "& th": { lineHeight: 1.3 } }}>
        <TableHead>
          <TableRow>
            {heads.map(({ title, right }) => (
              <TableCell key={title} align={right ? "right" : "left"} sx={{ fontWeight: 600, backgroundColor: "background.paper" }}>
                <TableSortLabel active={order.title === title} direction={order.rising ? "asc" : "desc"} onClick={() => turn(title)}>
                  {title}
                </TableSortLabel>
              </TableCell>
            ))}
            {spec.links.length > 0 && <TableCell sx={{ backgroundColor: "background.paper" }} />}
          </TableRow>
        </TableHead>
        <TableBody>
          {sorted.map((line) => (
            <Row key={line.key} line={line} spec={spec} pending={pending} />
          ))}
        </TableBody>
      </Grid>
    </Box>
  );
}

function Row({ line, spec, pending }: { line: Line; spec: TableSpec; pending: boolean[] }): ReactElement {
  const colors = useColors();
  const decisive = spec.columns.findIndex(({ title }) => title === spec.grayBelow?.title);
  const gray = spec.grayBelow !== null && !pending[decisive] && (line.values[decisive] ?? 0) < spec.grayBelow.value;
  return (
    <TableRow hover sx={gray ? { "& td": { color: colors("gray") } } : undefined}>
      {spec.labels.map(({ name }) => (
        <TableCell key={name} sx={{ whiteSpace: "nowrap" }}>{line.labels[name] ?? spec.nothing}</TableCell>
      ))}
      {spec.columns.map((column, index) => {
        if (column.hidden) return null;
        const value = line.values[index];
        const tone = gray ? "gray" : toneOf(value, column.steps);
        const strong = tone === "red" || tone === "orange";
        return (
          <TableCell key={column.title} align="right" sx={{ fontVariantNumeric: "tabular-nums", whiteSpace: "nowrap" }}>
            <Box
              component="span"
              sx={{ color: colors(tone), fontWeight: strong ? 700 : 400, borderRadius: 1, px: 0.75, py: 0.25, backgroundColor: strong ? `${colors(tone)}1f` : undefined }}
            >
              {pending[index] ? "" : shown(value, column.unit, spec.nothing)}
            </Box>
          </TableCell>
        );
      })}
      {spec.links.length > 0 && <TableCell padding="none" align="right" sx={{ pr: 1 }}><LinkMenu links={spec.links} subjects={[{ name: "", labels: line.labels }]} /></TableCell>}
    </TableRow>
  );
}

/** One line for each set of the labels that are shown, with the value of each query. */
function joined(answers: Answers, spec: TableSpec): Line[] {
  const lines = new Map<string, Line>();
  seriesOf(answers).forEach((several, index) => {
    for (const series of several) {
      const labels = series.labels ?? {};
      const key = spec.labels.map(({ name }) => labels[name] ?? "").join("\0");
      const line = lines.get(key) ?? { key, labels, values: spec.columns.map(() => null) };
      line.values[index] = lastOf(series);
      lines.set(key, line);
    }
  });
  return [...lines.values()];
}

function compared(a: Line, b: Line, title: string, spec: TableSpec): number {
  const label = spec.labels.find((each) => each.title === title);
  if (label) return (a.labels[label.name] ?? "").localeCompare(b.labels[label.name] ?? "");
  const column = spec.columns.findIndex((each) => each.title === title);
  return (a.values[column] ?? -Infinity) - (b.values[column] ?? -Infinity) || 0;
}
