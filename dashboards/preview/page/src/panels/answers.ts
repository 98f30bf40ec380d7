// The answers of a panel's queries, as Perses hands them over.
import type { TimeSeries, TimeSeriesData } from "@perses-dev/core";
import type { PanelData, PanelProps } from "@perses-dev/plugin-system";

export type Props<Spec> = PanelProps<Spec, TimeSeriesData>;
export type Answers = PanelData<TimeSeriesData>[];

/** The series of each query, in the order of the queries. */
export function seriesOf(answers: Answers): TimeSeries[][] {
  return answers.map((answer) => answer.data?.series ?? []);
}

/** A series' last value. */
export function lastOf(series: TimeSeries | undefined): number | null {
  for (const [, value] of [...(series?.values ?? [])].reverse()) {
    if (value !== null && !Number.isNaN(value)) return value;
  }
  return null;
}
