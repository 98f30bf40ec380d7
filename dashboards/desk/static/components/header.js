// The head of the page: views, what is live, and the bar of time, who, operation and filter.
import { link } from "../lib/address.js";
import { logOut } from "../lib/api.js";
import { html } from "../lib/preact.js";
import { Bar } from "./bar.js";
import { Guard } from "./guard.js";
import { Worst } from "./worst.js";

const LINKS = [
  ["performance", "Performance", "/performance"],
  ["summary", "Summary", "/summary"],
  ["traces", "Traces", "/traces"],
  ["compare", "Compare", "/compare"],
  ["map", "Map", "/map"],
  ["logs", "Logs", "/logs"],
  ["dashboard", "Dashboards", "/dashboard/search-overview"],
];

/** address: what is shown. problem: what the collector says of its store. */
export function Header({ address, problem }) {
  const store = document.documentElement.dataset.source === "store";
  return html`<header class="head">
    <a class="skip" href="#view">Skip to the view</a>
    <div class="head-line">
      <a class="brand" href=${link("/performance")}><span class="brand-mark" aria-hidden="true"></span>desk</a>
      <nav aria-label="Views">${LINKS.map(([view, title, path]) => html`<a key=${view} href=${link(path)}
        aria-current=${isShown(view, address) ? "page" : undefined}>${title}</a>`)}</nav>
      ${store && html`<span class="chip" title="telemetry desk reads this store without a collector: nothing arrives">a store, at rest</span>`}
      ${document.documentElement.dataset.login && html`<button type="button" class="plain log-out" onClick=${() => logOut().catch((error) => window.alert(`${error.message} ${error.hint}`))}>Log out</button>`}
    </div>
    <${Guard} of=${address}><${Bar} address=${address} /><//>
    ${problem && html`<p class="notice is-bad" role="alert"><b>The store cannot write.</b> ${problem}</p>`}
    ${address.wrongTime && html`<p class="notice" role="alert"><b>The link's time is not a time:</b> <code class="wrong-time">${address.wrongTime}</code>. This is the last hour of what is stored.</p>`}
    <${Guard} of=${address} quiet><${Worst} address=${address} /><//>
  </header>`;
}

const isShown = (view, address) => address.view === view || (view === "traces" && address.view === "trace");
