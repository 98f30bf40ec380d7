// One board: its title and question, its variables and time, its panels.
import { Box, Typography } from "@mui/material";
import type { DashboardResource, GlobalDatasourceResource } from "@perses-dev/core";
import { ErrorAlert, ErrorBoundary } from "@perses-dev/components";
import { Dashboard, DashboardProvider, DashboardStickyToolbar, DatasourceStoreProvider, VariableProviderWithQueryParams } from "@perses-dev/dashboards";
import { TimeRangeControls, TimeRangeProviderWithQueryParams, useInitialRefreshInterval, useInitialTimeRange, ValidationProvider } from "@perses-dev/plugin-system";
import type { ComponentProps, ReactElement } from "react";

const SOURCE = {
  kind: "GlobalDatasource",
  metadata: { name: "prometheus" },
  spec: {
    default: true,
    plugin: { kind: "PrometheusDatasource", spec: { directUrl: "/prometheus", scrapeInterval: "5s" } },
  },
} as unknown as GlobalDatasourceResource;

/** Titles of rows without a bar of their own; two full lines in a legend. */
const PANELS = {
  px: 3,
  pb: 4,
  "& h2": { fontSize: 15, fontWeight: 600, py: 1 },
  "& [data-testid=panel-group-header]": { backgroundColor: "transparent", mt: 1.5 },
  "& [role=listitem] .MuiListItemText-root": { my: 0 },
  "& [role=listitem] .MuiListItemText-primary": { fontSize: 12, lineHeight: "19px" },
};

type SourceApi = ComponentProps<typeof DatasourceStoreProvider>["datasourceApi"];

const SOURCES: SourceApi = {
  getDatasource: () => Promise.resolve(undefined),
  getGlobalDatasource: () => Promise.resolve(SOURCE),
  listDatasources: () => Promise.resolve([]),
  listGlobalDatasources: () => Promise.resolve([SOURCE]),
  buildProxyUrl: () => "/prometheus",
};

export function Board({ resource }: { resource: DashboardResource }): ReactElement {
  const { spec } = resource;
  const time = useInitialTimeRange(spec.duration);
  const refresh = useInitialRefreshInterval(spec.refreshInterval ?? "10s");
  return (
    <DatasourceStoreProvider dashboardResource={resource} datasourceApi={SOURCES}>
      <DashboardProvider initialState={{ dashboardResource: resource, isEditMode: false }}>
        <TimeRangeProviderWithQueryParams initialTimeRange={time} initialRefreshInterval={refresh}>
          <VariableProviderWithQueryParams initialVariableDefinitions={spec.variables}>
            <ValidationProvider>
              <Head name={spec.display?.name ?? ""} question={spec.display?.description ?? ""} />
              <ErrorBoundary FallbackComponent={ErrorAlert}>
                <Box component="main" sx={PANELS}>
                  <Dashboard />
                </Box>
              </ErrorBoundary>
            </ValidationProvider>
          </VariableProviderWithQueryParams>
        </TimeRangeProviderWithQueryParams>
      </DashboardProvider>
    </DatasourceStoreProvider>
  );
}

function Head({ name, question }: { name: string; question: string }): ReactElement {
  return (
    <Box sx={{ px: 3, pt: 2.5, pb: 1 }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 2, alignItems: "flex-start", justifyContent: "space-between", mb: 1 }}>
        <Box>
          <Typography component="h1" sx={{ fontSize: 24, fontWeight: 700, lineHeight: 1.2 }}>{name}</Typography>
          <Typography color="text.secondary" sx={{ mt: 0.25 }}>{question}</Typography>
        </Box>
        <TimeRangeControls showZoomButtons={false} />
      </Box>
      <DashboardStickyToolbar initialVariableIsSticky={false} />
    </Box>
  );
}
