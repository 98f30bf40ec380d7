// The page: its theme, which follows the system until it is switched, and what Perses' components need around them.
import { createTheme, CssBaseline, ThemeProvider, useMediaQuery } from "@mui/material";
import { ChartsProvider, generateChartsTheme, getTheme, SnackbarProvider } from "@perses-dev/components";
import { PluginRegistry } from "@perses-dev/plugin-system";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactElement, useMemo, useState } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter, Route, Routes } from "react-router-dom";
import { QueryParamProvider } from "use-query-params";
import { ReactRouter6Adapter } from "use-query-params/adapters/react-router-6";
import { App } from "./app";
import { plugins } from "./plugins";

const CHOICE = "colors";
const LINES = {
  light: ["#1d6fe0", "#0f9d6b", "#d9730d", "#a13fc9", "#d6336c", "#0b8fa8", "#8a6d00", "#5c6675"],
  dark: ["#6ea8ff", "#3ecf8e", "#ffa94d", "#c792ea", "#ff7eb6", "#4dd0e1", "#e6c84f", "#9aa5b4"],
};

/** A label is above its value from the beginning, also while the value is awaited. */
const COMPONENTS = { MuiInputLabel: { defaultProps: { shrink: true } }, MuiOutlinedInput: { defaultProps: { notched: true } } };

const NOTHING = { title: { text: "Nothing in this time", textStyle: { fontSize: 13 } } };

// "always": a machine without a network has no other, and queries would wait for one. A refresh asks for another time,
// which is another query: what was shown stays until its answer is there.
const QUERIES = { refetchOnWindowFocus: false, retry: 0, networkMode: "always", keepPreviousData: true } as const;
const client = new QueryClient({ defaultOptions: { queries: QUERIES } });
const loader = plugins();

function Page(): ReactElement {
  const system = useMediaQuery("(prefers-color-scheme: dark)", { noSsr: true }) ? "dark" : "light";
  const [chosen, setChosen] = useState(localStorage.getItem(CHOICE));
  const mode = chosen === "light" || chosen === "dark" ? chosen : system;
  const onSwitch = (): void => {
    const next = mode === "dark" ? "light" : "dark";
    localStorage.setItem(CHOICE, next);
    setChosen(next);
  };
  const theme = useMemo(() => createTheme(getTheme(mode), { components: COMPONENTS }), [mode]);
  const charts = useMemo(() => generateChartsTheme(theme, { echartsTheme: { color: LINES[mode] }, noDataOption: NOTHING }), [theme, mode]);
  return (
    <ThemeProvider theme={theme}>
      <CssBaseline />
      <ChartsProvider chartsTheme={charts} enableSyncGrouping>
        <SnackbarProvider anchorOrigin={{ vertical: "bottom", horizontal: "right" }} variant="default" content="">
          <PluginRegistry pluginLoader={loader} defaultPluginKinds={{ Panel: "TimeSeriesChart", TimeSeriesQuery: "PrometheusTimeSeriesQuery" }}>
            <Routes>
              {["/", "/d/:uid"].map((path) => (
                <Route key={path} path={path} element={<App dark={mode === "dark"} onSwitch={onSwitch} />} />
              ))}
            </Routes>
          </PluginRegistry>
        </SnackbarProvider>
      </ChartsProvider>
    </ThemeProvider>
  );
}

const root = document.getElementById("page");
if (root) {
  createRoot(root).render(
    <QueryClientProvider client={client}>
      <BrowserRouter>
        <QueryParamProvider adapter={ReactRouter6Adapter}>
          <Page />
        </QueryParamProvider>
      </BrowserRouter>
    </QueryClientProvider>,
  );
}
