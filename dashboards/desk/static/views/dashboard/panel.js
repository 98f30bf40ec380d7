// A panel: its title, what it is about, where it leads, and its picture, asked for once it comes into view.
import { Problem } from "../../components/state.js";
import { html, useEffect, useId, useRef, useState } from "../../lib/preact.js";
import { useAnswers } from "./answers.js";
import { Bars } from "./bars.js";
import { Heat } from "./heat.js";
import { Lines } from "./lines.js";
import { linksOf } from "./links.js";
import { Menu } from "./menu.js";
import { Stat } from "./stat.js";
import { States } from "./states.js";
import { PanelTable } from "./panel_table.js";

const DRAWN = { stat: Stat, lines: Lines, areas: Lines, heat: Heat, states: States, bars: Bars, table: PanelTable };
const WIDTHS = { 4: "sixth", 6: "quarter", 8: "third", 12: "half" };
const AHEAD = "120px";

/** panel: of a board; address, variables, marks: what is shown. */
export function Panel({ panel, address, variables, marks }) {
  const [about, setAbout] = useState(false);
  const place = useRef(null);
  const seen = useSeen(place);
  const id = useId();
  return html`<div ref=${place} role="group" class="card panel is-${WIDTHS[panel.width] ?? "whole"} draws-${panel.draw}" aria-labelledby=${id}>
    <header class="panel-head"><h3 id=${id} title=${panel.description}>${panel.title}</h3>
      <button type="button" class="plain panel-about" aria-expanded=${about} aria-label="What is this?" onClick=${() => setAbout(!about)}>?</button>
      <${Menu} title=${`From ${panel.title}`} links=${linksOf(panel, variables)} /></header>
    ${about && html`<p class="panel-text quiet">${panel.description}</p>`}
    ${panel.program ? html`<p class="panel-none faint">measured by ${panel.program}, not in this store</p>` : html`<${Picture} ...${{ panel, address, variables, marks, seen }} />`}
  </div>`;
}

function Picture({ panel, address, variables, marks, seen }) {
  const { answers, grid, error, loading, reload } = useAnswers(panel, address, variables, seen);
  if (error && !answers) return html`<${Problem} error=${error} reload=${reload} />`;
  if (!answers) return html`<div class="panel-wait" role="status"><span class="unseen">Loading</span></div>`;
  const Drawn = DRAWN[panel.draw];
  const isEmpty = answers.every((series) => series.every((each) => each.value == null && !each.values?.some((value) => value !== null)));
  const isStale = loading && !address.live; // a live board changes by itself all the time
  return html`<div class=${isStale ? "answered is-loading" : "answered"} aria-busy=${loading}>
    ${isEmpty ? html`<p class="panel-none faint">${panel.nothing === "–" ? "nothing in this time" : panel.nothing}</p>`
      : html`<${Drawn} ...${{ panel, answers, grid, address, variables, marks }} />`}</div>`;
}

/** Whether an element is in view, or near it: what nobody looks at is not asked for again. */
function useSeen(place) {
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const observer = new IntersectionObserver((entries) => setSeen(entries.at(-1).isIntersecting), { rootMargin: AHEAD });
    observer.observe(place.current);
    return () => observer.disconnect();
  }, []);
  return seen;
}
