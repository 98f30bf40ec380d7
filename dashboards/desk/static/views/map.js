// Map: services, clients and databases with what they do, and the calls between them; the same as a table below.
import { layout } from "../components/map_layout.js";
import { MapEdges, MapNode } from "../components/map_parts.js";
import { Sampled } from "../components/sampled.js";
import { Answered, EmptyRange } from "../components/state.js";
import { Table } from "../components/table.js";
import { asked, link } from "../lib/address.js";
import { useAnswer } from "../lib/api.js";
import { duration, rate, share } from "../lib/format.js";
import { html, useEffect, useMemo, useState } from "../lib/preact.js";

const NARROW = "(max-width: 800px)";

/** address: what is shown. */
export default function View({ address }) {
  const map = useAnswer("/api/map", asked(address));
  return html`<div class="view-head"><h1>Map</h1><span class="quiet">who calls whom, as the caller saw it</span>
      <span class="end"><${Sampled} sample=${map.answer?.sample} latest /></span></div>
    <${Answered} of=${map} empty=${(answer) => answer.nodes.length === 0} nothing=${html`<section class="card"><${EmptyRange} /></section>`}>
      ${(answer) => html`<section class="card map-card"><${Drawing} answer=${answer} /></section>
        <section class="card"><h2>Calls</h2><${Calls} edges=${answer.edges} /></section>`}<//>`;
}

function Drawing({ answer }) {
  const down = useMedia(NARROW);
  const placed = useMemo(() => layout(answer, down), [answer, down]);
  return html`<div class="map" tabindex="0" role="region" aria-label="Map of services">
    <div class="map-plane" style=${{ width: `${placed.width}px`, height: `${placed.height}px` }}>
      <${MapEdges} placed=${placed} />
      ${placed.nodes.map((node) => html`<${MapNode} key=${`${node.kind} ${node.name}`} node=${node} />`)}
    </div></div>`;
}

function Calls({ edges }) {
  const columns = [
    { key: "call", title: "From, to", link: true, wide: true, cell: (edge) => html`<b>${edge.source}</b> <span class="faint">→</span> <b>${edge.target}</b>` },
    { key: "operations", title: "For", cell: (edge) => (edge.operations ?? []).filter(Boolean).map((name) => html`<span class="chip" key=${name}>${name}</span> `) },
    { key: "rate", title: "Rate", number: true, cell: (edge) => rate(edge.rate) },
    { key: "p95", title: "p95", number: true, cell: (edge) => duration(edge.p95_ns) },
    { key: "errors", title: "Errors", number: true, cell: (edge) => (edge.error_ratio ? html`<span class="chip is-bad">${share(edge.error_ratio)}</span>` : html`<span class="faint">0</span>`) },
  ];
  return html`<${Table} caption="Calls between services" columns=${columns} rows=${edges} keyOf=${(edge) => `${edge.source} ${edge.target}`}
    href=${(edge) => link("/traces", { service: edge.target })} />`;
}

function useMedia(query) {
  const [matches, setMatches] = useState(() => window.matchMedia(query).matches);
  useEffect(() => {
    const media = window.matchMedia(query);
    const on = () => setMatches(media.matches);
    media.addEventListener("change", on);
    return () => media.removeEventListener("change", on);
  }, [query]);
  return matches;
}
