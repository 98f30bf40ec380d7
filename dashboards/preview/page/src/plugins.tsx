// What draws panels, asks queries and fills variables: Perses' plugins, and our own for what those lack.
import * as bars from "@perses-dev/bar-chart-plugin";
import type { UnknownSpec } from "@perses-dev/core";
import * as gauge from "@perses-dev/gauge-chart-plugin";
import * as markdown from "@perses-dev/markdown-plugin";
import { dynamicImportPluginLoader, type PanelPlugin, type PanelProps, type PluginLoader, type PluginModuleResource } from "@perses-dev/plugin-system";
import * as prometheus from "@perses-dev/prometheus-plugin";
import * as stat from "@perses-dev/stat-chart-plugin";
import * as list from "@perses-dev/static-list-variable-plugin";
import * as history from "@perses-dev/status-history-chart-plugin";
import * as table from "@perses-dev/table-plugin";
import * as lines from "@perses-dev/timeseries-chart-plugin";
import type { ComponentType, ReactElement } from "react";
import { type Answers, lastOf, seriesOf } from "./panels/answers";
import { Heat } from "./panels/heat";
import { Stat } from "./panels/stat";
import { Table } from "./panels/table";
import { LabelParts } from "./variables";

type Module = Record<string, unknown>;

const OWN: Record<string, { panel: ComponentType<never>; mode: "instant" | "range" }> = {
  SearchStat: { panel: Stat, mode: "range" },
  SearchTable: { panel: Table, mode: "instant" },
  SearchHeat: { panel: Heat, mode: "range" },
};

export function plugins(): PluginLoader {
  const perses = [prometheus, lines, stat, table, bars, history, gauge, markdown, list] as unknown as Module[];
  const all = perses.map((module) => ({ resource: (module.getPluginModule as () => PluginModuleResource)(), module }));
  all.push({ resource: ownResource(), module: ownModule() });
  return dynamicImportPluginLoader(
    all.map(({ resource, module }) => ({ resource, importPlugin: () => Promise.resolve(counting(resource, module)) })),
  );
}

function ownResource(): PluginModuleResource {
  return {
    kind: "PluginModule",
    metadata: { name: "search-telemetry", version: "0.1.0" },
    spec: {
      plugins: [
        ...Object.keys(OWN).map((name) => ({ kind: "Panel" as const, spec: { name, display: { name } } })),
        { kind: "Variable", spec: { name: "LabelParts", display: { name: "LabelParts" } } },
      ],
    },
  };
}

function ownModule(): Module {
  const panels = Object.fromEntries(
    Object.entries(OWN).map(([name, { panel, mode }]) => [
      name,
      { PanelComponent: panel, supportedQueryTypes: ["TimeSeriesQuery"], queryOptions: { mode }, createInitialOptions: () => ({}) },
    ]),
  );
  return { ...panels, LabelParts };
}

/** The module, with each of its panels beside a hidden count of the series that it was given, which tests read. */
function counting(resource: PluginModuleResource, module: Module): Module {
  const counted: Module = { ...module };
  for (const { kind, spec } of resource.spec.plugins) {
    if (kind !== "Panel") continue;
    const plugin = module[spec.name] as PanelPlugin;
    counted[spec.name] = { ...plugin, PanelComponent: withCount(plugin.PanelComponent) };
  }
  return counted;
}

function withCount(Panel: PanelPlugin["PanelComponent"]): PanelPlugin["PanelComponent"] {
  return function Counted(props: PanelProps<UnknownSpec>): ReactElement {
    const counts = seriesOf(props.queryResults as Answers).map((several) => several.filter((series) => lastOf(series) !== null).length);
    return (
      <>
        <span hidden data-series={counts.join(" ")} data-title={props.definition?.spec.display.name} />
        <Panel {...props} />
      </>
    );
  };
}
