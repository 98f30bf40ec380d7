// What draws panels, asks queries and fills variables: Perses' plugins, and our own for what those lack.
import { Box, Typography } from "@mui/material";
import * as bars from "@perses-dev/bar-chart-plugin";
import type { TimeSeriesData, UnknownSpec } from "@perses-dev/core";
import * as gauge from "@perses-dev/gauge-chart-plugin";
import * as markdown from "@perses-dev/markdown-plugin";
import { dynamicImportPluginLoader, type PanelPlugin, type PanelProps, type PluginLoader, type PluginModuleResource } from "@perses-dev/plugin-system";
import * as prometheus from "@perses-dev/prometheus-plugin";
import * as stat from "@perses-dev/stat-chart-plugin";
import * as list from "@perses-dev/static-list-variable-plugin";
import * as history from "@perses-dev/status-history-chart-plugin";
import * as table from "@perses-dev/table-plugin";
import * as lines from "@perses-dev/timeseries-chart-plugin";
import { type ComponentType, type ReactElement, useMemo } from "react";
import type { Link } from "./api";
import { LinkMenu, subjectOf } from "./links";
import { answersOf, lastOf, seriesOf } from "./panels/answers";
import { Heat } from "./panels/heat";
import { Stat } from "./panels/stat";
import { States } from "./panels/states";
import { Table } from "./panels/table";
import { LabelParts } from "./variables";

type Module = Record<string, unknown>;

const OWN: Record<string, { panel: ComponentType<never>; mode: "instant" | "range" }> = {
  SearchStat: { panel: Stat, mode: "range" },
  SearchTable: { panel: Table, mode: "instant" },
  SearchStates: { panel: States, mode: "range" },
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

/**
 * A panel with its links, which are shown when it is pointed at, and a hidden count of each query's series, which tests
 * read. Our own panels get each answer at the place of its query. A stat says by itself that there is nothing.
 */
function inFrame(plugin: PanelPlugin, name: string): PanelPlugin {
  const Panel = plugin.PanelComponent as ComponentType<object>;
  const Framed = (props: PanelProps<UnknownSpec & { links?: Link[] }, TimeSeriesData>): ReactElement => {
    const { definition, queryResults } = props;
    const answers = useMemo(() => answersOf({ definition, queryResults, spec: {} }), [definition, queryResults]);
    const series = seriesOf(answers);
    const counts = series.map((several) => several.filter((each) => lastOf(each) !== null).length);
    const pending = answers.includes(undefined);
    const nothing = name !== "SearchStat" && answers.length > 0 && !pending && counts.every((count) => count === 0);
    const links = name === "SearchTable" ? [] : (props.spec.links ?? []); // a table has them in its rows
    return (
      <Box sx={{ position: "relative", "&:hover > .links, & > .links:focus-within": { opacity: 1 } }}>
        {!pending && <span hidden data-series={counts.join(" ")} />}
        {nothing ? <Nothing height={props.contentDimensions?.height} /> : <Panel {...props} {...(name in OWN && { answers })} />}
        {links.length > 0 && (
          <Box className="links" sx={{ position: "absolute", top: 2, right: 4, opacity: 0 }}>
            <LinkMenu links={links} subjects={series.flat().map(subjectOf)} />
          </Box>
        )}
      </Box>
    );
  };
  return { ...plugin, PanelComponent: Framed as unknown as PanelPlugin["PanelComponent"] };
}

function Nothing({ height }: { height: number | undefined }): ReactElement {
  return (
    <Box sx={{ height, display: "flex", alignItems: "center", justifyContent: "center" }}>
      <Typography variant="body2" color="text.secondary">Nothing in this time</Typography>
    </Box>
  );
}
