// What draws panels, asks queries and fills variables: Perses' plugins, and our own for what those lack.
import { Box } from "@mui/material";
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
import type { Link } from "./api";
import { LinkMenu, subjectOf } from "./links";
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
    all.map(({ resource, module }) => ({ resource, importPlugin: () => Promise.resolve(framing(resource, module)) })),
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

/** The module, with each of its panels in `Framed`. */
function framing(resource: PluginModuleResource, module: Module): Module {
  const framed: Module = { ...module };
  for (const { kind, spec } of resource.spec.plugins) {
    if (kind === "Panel") framed[spec.name] = inFrame(module[spec.name] as PanelPlugin, spec.name);
  }
  return framed;
}

/** A panel with its links, which are shown when it is pointed at, and a hidden count of its series, which tests read. */
function inFrame(plugin: PanelPlugin, name: string): PanelPlugin {
  const Panel = plugin.PanelComponent;
  const Framed = (props: PanelProps<UnknownSpec & { links?: Link[] }>): ReactElement => {
    const series = seriesOf(props.queryResults as Answers);
    const counts = series.map((several) => several.filter((each) => lastOf(each) !== null).length);
    const links = name === "SearchTable" ? [] : (props.spec.links ?? []); // a table has them in its rows
    return (
      <Box sx={{ position: "relative", "&:hover > .links, & > .links:focus-within": { opacity: 1 } }}>
        <span hidden data-series={counts.join(" ")} />
        <Panel {...props} />
        {links.length > 0 && (
          <Box className="links" sx={{ position: "absolute", top: 2, right: 4, opacity: 0 }}>
            <LinkMenu links={links} subjects={series.flat().map(subjectOf)} />
          </Box>
        )}
      </Box>
    );
  };
  return { ...plugin, PanelComponent: Framed as PanelPlugin["PanelComponent"] };
}
