// The nodes and edges of the map. In: their places. Out: markup: nodes as cards, edges as lines with their figures.
import { link } from "../lib/address.js";
import { duration, rate, share } from "../lib/format.js";
import { html } from "../lib/preact.js";
import { spanTerms } from "../lib/terms.js";
import { toneOf } from "../lib/tones.js";

const MANY_FAIL = 0.01;

/** node: of `layout`. */
export function MapNode({ node }) {
  const place = { left: `${node.x}px`, top: `${node.y}px`, width: `${node.width}px`, height: `${node.height}px`, "--tone": `var(--${toneOf(node.name)})` };
  const to = node.kind === "service" ? link("/performance", { service: node.name, scope: "inner" }) : null;
  return html`<section class="map-node is-${node.kind}" style=${place}>
    <h2 class="cut">${to ? html`<a href=${to}>${node.name}</a>` : node.name}${node.kind !== "service" && html` <span class="faint">${node.kind}</span>`}</h2>
    <p class="map-figures"><span title="calls a second">${rate(node.rate)}</span><span title="p95 duration">p95 ${duration(node.p95_ns)}</span>
      ${node.error_ratio > 0 && html`<span class="chip is-bad" title="share that failed">${share(node.error_ratio)}</span>`}</p>
    ${node.steps.length > 0 && html`<ul>${node.steps.map((step) => html`<li key=${step} class="cut"><a href=${link("/summary", { filter: spanTerms({ operation: step, service: node.name }), operation: null, service: null })}>${step}</a></li>`)}
      ${node.more > 0 && html`<li class="faint">and ${node.more} more</li>`}</ul>`}
  </section>`;
}

/** placed: of `layout`. */
export function MapEdges({ placed }) {
  const most = Math.max(...placed.edges.map((edge) => edge.rate), 1e-9);
  return html`<svg class="map-edges" width=${placed.width} height=${placed.height} aria-hidden="true">
      <defs>${["", "-bad"].map((kind) => html`<marker key=${kind} id=${`arrow${kind}`} class=${`map-arrow${kind}`} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 8 4 0 8z" /></marker>`)}</defs>
      ${placed.edges.map((edge) => html`<path key=${`${edge.source} ${edge.target}`} class=${isBad(edge) ? "is-bad" : ""} d=${edge.path}
        stroke-width=${1 + 2.5 * Math.sqrt(edge.rate / most)} marker-end=${`url(#arrow${isBad(edge) ? "-bad" : ""})`} />`)}</svg>
    ${placed.edges.map((edge) => html`<p key=${`${edge.source} ${edge.target}`} class="map-label" style=${{ left: `${edge.x}px`, top: `${edge.y}px` }}>
      <b>${rate(edge.rate)}</b><span>p95 ${duration(edge.p95_ns)}</span>${edge.error_ratio > 0 && html`<span class="is-bad">${share(edge.error_ratio)} fail</span>`}</p>`)}`;
}

const isBad = (edge) => edge.error_ratio >= MANY_FAIL;
