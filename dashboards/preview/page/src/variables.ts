// The choices above a board: parts of labels' values, shown as they are chosen.
import type { DashboardResource, ListVariableSpec, UnknownSpec } from "@perses-dev/core";
import type { VariableOption, VariablePlugin } from "@perses-dev/plugin-system";
import { PrometheusLabelValuesVariable } from "@perses-dev/prometheus-plugin";

type Values = VariablePlugin<UnknownSpec & { pattern?: string }>;

const perses = PrometheusLabelValuesVariable as unknown as Values;

/** As Perses' own, but a part of a value is also shown as that part, and once. */
export const LabelParts: Values = {
  ...perses,
  getVariableOptions: async (spec, context) => {
    const { data } = await perses.getVariableOptions(spec, context);
    const pattern = new RegExp(`^(?:${spec.pattern ?? "(.*)"})$`);
    const parts = new Set(data.flatMap(({ value }: VariableOption) => pattern.exec(value)?.[1] ?? []));
    return { data: [...parts].map((part) => ({ label: part, value: part })) };
  },
};

/** A dashboard whose variables that take a part of a value do it by `LabelParts`. */
export function withLabelParts(resource: DashboardResource): DashboardResource {
  const variables = resource.spec.variables.map((variable) => {
    if (variable.kind !== "ListVariable" || variable.spec.capturingRegexp === undefined) return variable;
    const { capturingRegexp: pattern, plugin, ...rest } = variable.spec as ListVariableSpec<UnknownSpec>;
    return { ...variable, spec: { ...rest, plugin: { kind: "LabelParts", spec: { ...plugin.spec, pattern } } } };
  });
  return { ...resource, spec: { ...resource.spec, variables } };
}
