// What is shown where there is no answer yet, none, or an error; and `Answered`, which chooses.
import { useAnswer } from "../lib/api.js";
import { address, isoTime, link } from "../lib/address.js";
import { ago, moment } from "../lib/format.js";
import { html } from "../lib/preact.js";
import { Guard } from "./guard.js";

/** A place for an answer that is under way; it shows itself only after a moment. */
export function Loading({ what = "Loading" }) {
  return html`<div class="state state-loading" role="status"><span class="pulse" aria-hidden="true"></span>${what} …</div>`;
}

/** Nothing to show: what there is none of, and what to do. */
export function Empty({ title, children }) {
  return html`<div class="state state-empty"><p class="state-title">${title}</p><div>${children}</div></div>`;
}

const TITLES = { away: "The collector is away", unauthorized: "Log in to read", store_unavailable: "The store cannot be read", stopping: "The collector is away" };

/** An error of the API, with its hint. brief: in a line, above an older answer. */
export function Problem({ error, reload, brief = false }) {
  return html`<div class="state state-problem ${brief ? "is-brief" : ""}" role="alert">
    <p class="state-title">${TITLES[error.code] ?? "That did not work"}</p>
    <p>${error.message}</p>
    ${error.hint && html`<p class="quiet">${error.hint}</p>`}
    ${reload && html`<button type="button" onClick=${reload}>Try again</button>`}
  </div>`;
}

/** No traces in the chosen time: says when the latest was, and leads there. */
export function EmptyRange({ what = "No requests in this time" }) {
  const { query, range } = address();
  const { answer } = useAnswer("/api/who", { since: query.since, until: query.until });
  if (!answer) return html`<${Loading} />`;
  if (answer.last_unix_s == null) return html`<${EmptyStore} />`;
  const last = answer.last_unix_s;
  const around = { since: isoTime(last - 3540), until: isoTime(last + 60) };
  const isOutside = last < range.since || answer.first_unix_s > range.until;
  const narrowed = ["platform", "region", "version", "operation", "service", "filter"].filter((key) => query[key]);
  return html`<${Empty} title=${what}>
    ${isOutside && html`<p>The latest trace is of ${moment(last * 1000)}, ${ago(last * 1000)}.${" "}<a href=${link(null, around)}>Show the hour before it</a></p>`}
    ${narrowed.length > 0 && html`<p>Chosen: ${narrowed.map((key) => `${key} ${query[key]}`).join(", ")}.${" "}
      <a href=${link(null, Object.fromEntries(narrowed.map((key) => [key, null])))}>Show all</a></p>`}
  <//>`;
}

/** Where this collector receives, as a service is told; and the demo, with the same. */
function endpoints() {
  const { grpc, http } = document.documentElement.dataset;
  const scheme = window.location.protocol;
  const variable = "OTEL_EXPORTER_OTLP_ENDPOINT";
  const lines = grpc ? [`${variable}=${scheme}//${here(grpc)}   # gRPC`] : [];
  if (http) lines.push(`${grpc ? `# over HTTP: ${scheme}//${here(http)}` : `${variable}=${scheme}//${here(http)}   # HTTP`}`);
  const usual = /:4317$/.test(grpc ?? "");
  return [...lines, usual || !grpc ? "pamazon up" : `${variable}=${scheme}//${here(grpc)} pamazon up`].join("\n");
}

/** An address as this page is reached: a collector that listens everywhere is at the page's host. */
const here = (address) => address.replace(/^(0\.0\.0\.0|\[::\]|::)(?=:\d+$)/, window.location.hostname);

/** A store in which nothing has arrived. */
export function EmptyStore() {
  const store = document.documentElement.dataset.source === "store";
  if (store) return html`<${Empty} title="This store has no traces"><p>Name another: telemetry desk --store PATH</p><//>`;
  return html`<${Empty} title="No traces yet">
    <p>The collector is ready. Point a service at it, or start the demo:</p>
    <pre><code>${endpoints()}</code></pre>
    <p class="quiet">This page shows what arrives by itself.</p>
  <//>`;
}

/** The class of what shows an answer: an old one is dimmed, other than while the range is live, where it would flicker. */
export const answeredClass = (loading) => (loading && !address().live ? "answered is-loading" : "answered");

/**
 * The state of an answer. `of`: what `useAnswer` returned. `empty`: whether an answer has nothing to show, and
 * `nothing`: what is shown then. `children`: a function from the answer to what is shown.
 *
 * An error beside an older answer is shown above it.
 */
export function Answered({ of, empty = () => false, nothing, children }) {
  const { answer, error, loading, reload } = of;
  if (error && !answer) return html`<${Problem} error=${error} reload=${reload} />`;
  if (!answer) return html`<${Loading} />`;
  return html`<div class=${answeredClass(loading)} aria-busy=${loading}>
    ${error && html`<${Problem} error=${error} reload=${reload} brief />`}
    ${empty(answer) ? (nothing ?? html`<${EmptyRange} />`) : html`<${Guard} of=${answer}><${Drawn} draw=${children} answer=${answer} /><//>`}
  </div>`;
}

/** What is drawn of an answer, as a component of its own, so that what it throws is caught there. */
const Drawn = ({ draw, answer }) => draw(answer);
