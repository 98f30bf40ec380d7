// The desk: shows the view that the address names, below the head of the page.
import { chooseFirstRange } from "./components/first_range.js";
import { Header } from "./components/header.js";
import { Help } from "./components/help.js";
import { Login } from "./components/login.js";
import { Empty, Loading, Problem } from "./components/state.js";
import { address, go, link, start as startAddress, useAddress, VIEWS } from "./lib/address.js";
import { onNotice } from "./lib/api.js";
import { start as startKeyboard, useKeys } from "./lib/keyboard.js";
import { html, render, useEffect, useErrorBoundary, useState } from "./lib/preact.js";

const LOAD_ALL_MS = 1_500;
const MODULES = ["trace", ...VIEWS];
const TITLES = { trace: "Trace", dashboard: "Dashboard" };
const GO = { p: "performance", s: "summary", t: "traces", c: "compare", m: "map", l: "logs", d: "dashboard" };
const PATHS = { dashboard: "/dashboard/search-overview" };
const SHORTCUTS = Object.entries(GO).map(([key, view]) => [`g ${key}`, [`go to ${view === "dashboard" ? "Dashboards" : titleOf(view)}`, () => go(link(PATHS[view] ?? `/${view}`))]]);

function titleOf(view) {
  return TITLES[view] ?? view[0].toUpperCase() + view.slice(1);
}

function Desk() {
  const shown = useAddress();
  const [notice, setNotice] = useState({ login: false, problem: "" });
  useEffect(() => onNotice((news) => setNotice((before) => (isNews(before, news) ? { ...before, ...news } : before))), []);
  useEffect(() => { document.title = `${titleOf(shown.view || "performance")} · desk`; }, [shown.view]);
  useKeys(Object.fromEntries(SHORTCUTS));
  if (notice.login) return html`<${Login} onDone=${() => setNotice({ login: false, problem: "" })} />`;
  return html`<${Header} address=${shown} problem=${notice.problem} />
    <main id="view" tabindex="-1"><${Guarded} key=${shown.view} address=${shown} /></main><${Help} />`;
}

const isNews = (before, news) => Object.entries(news).some(([name, value]) => before[name] !== value);

/** A view; one that throws shows that, and leaves the rest of the page alive. */
function Guarded({ address: shown }) {
  const [error, reset] = useErrorBoundary((caught) => console.error(caught));
  const View = useView(shown.view);
  if (error) return html`<${Problem} error=${{ code: "odd", message: "This view cannot be drawn.", hint: String(error.message) }} reload=${reset} />`;
  if (View === null) return html`<${Loading} />`;
  if (View === undefined) return html`<div class="view-head"><h1>There is no such view</h1></div><section class="card"><${Empty} title="Nothing is here"><p><code>${shown.path.slice(0, 80)}</code></p><p><a href=${link("/performance")}>Performance</a></p><//></section>`;
  return html`<${View} address=${shown} />`;
}

const AWAY = { code: "away", message: "This view cannot be loaded.", hint: "Is the collector still running? Start it: telemetry collect." };

/** What is shown for a view whose file does not arrive. */
function NotLoaded() {
  return html`<${Problem} error=${AWAY} reload=${() => window.location.reload()} />`;
}

/** Load the other views once the first is drawn, so that they open at once. */
const loadAll = () => MODULES.forEach((name) => import(`./views/${name}.js`).catch(() => {}));

/** The component of a view: null while it is loaded, undefined where there is none. */
function useView(name) {
  const [found, setFound] = useState({ name: "", View: null });
  useEffect(() => {
    if (!MODULES.includes(name)) return setFound({ name, View: undefined });
    let gone = false;
    import(`./views/${name}.js`).then(
      (module) => gone || setFound({ name, View: module.default }),
      (error) => { console.error(error); if (!gone) setFound({ name, View: NotLoaded }); },
    );
    return () => { gone = true; };
  }, [name]);
  return found.name === name ? found.View : null;
}

startAddress();
startKeyboard();
await chooseFirstRange();
render(html`<${Desk} />`, document.getElementById("desk"));
document.documentElement.dataset.ready = address().view;
window.setTimeout(loadAll, LOAD_ALL_MS);
