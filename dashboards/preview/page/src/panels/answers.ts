// The answers of a panel's queries: Perses hands over those that are there, one after the other.
import type { TimeSeries, TimeSeriesData } from "@perses-dev/core";
import type { PanelProps } from "@perses-dev/plugin-system";

/** The answer of each query, in the order of the queries; undefined: it is not there yet. */
export type Answers = (TimeSeriesData | undefined)[];

export type Props<Spec> = Omit<PanelProps<Spec, TimeSeriesData>, "queryResults"> & { answers: Answers };

/** The answers of a panel, each at the place of its query. */
export function answersOf({ definition, queryResults }: PanelProps<unknown, TimeSeriesData>): Answers {
  const asked = (query: { spec: { plugin: unknown } }): string => JSON.stringify(query.spec.plugin);
  const found = new Map(queryResults.map((each) => [asked(each.definition), each.data]));
  return (definition?.spec.queries ?? []).map((query) => found.get(asked(query)));
}

/** The series of each query. */
export function seriesOf(answers: Answers): TimeSeries[][] {
  return answers.map((answer) => answer?.series ?? []);
}

/** A series' last value. */
export function lastOf(series: TimeSeries | undefined): number | null {
  for (const [, value] of [...(series?.values ?? [])].reverse()) {
    if (value !== null && !Number.isNaN(value)) return value;
  }
  return null;
}
