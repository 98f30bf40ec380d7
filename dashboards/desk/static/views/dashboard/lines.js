// Series over time, as lines or as areas on top of each other, with a legend whose names lead on, and points that are traces.
import { Chart } from "../../components/chart.js";
import { html, useMemo, useState } from "../../lib/preact.js";
import { lastOf, nameOf } from "./answers.js";
import { drawExemplars, useExemplars } from "./exemplars.js";
import { linksOf } from "./links.js";
import { Menu } from "./menu.js";
import { toneOf, unitOf } from "./units.js";

const MOST = 12;
const TONES = 8;
const NEAR = 0.4; // a threshold is drawn if a value reaches so much of it
const FEW = 4; // names in the legend where all is zero
const HIGHER = 2.5; // times as high as the lines: so far the scale goes for points above them

/** panel, answers, grid: of a panel of lines or areas. */
export function Lines({ panel, answers, grid, variables, marks }) {
  const [at, setAt] = useState(null);
  const unit = unitOf(panel.unit);
  const all = panel.queries.flatMap((query, index) => answers[index].map((each) => ({ ...each, query, name: nameOf(query, each.metric), peak: Math.max(...each.values.map((value) => value ?? 0)) })));
  const highest = Math.max(0, ...all.map((each) => each.peak));
  const drawn = highest === 0 && all.length > FEW ? FEW : MOST;
  const chosen = all.length <= drawn ? all : [...all].sort((a, b) => b.peak - a.peak).slice(0, drawn);
  const series = toned(panel, chosen).map((each) => ({ ...each, values: unit.factor === 1 ? each.values : each.values.map((value) => value && value * unit.factor) }));
  const thresholds = (panel.steps ?? []).filter((step) => step.at != null && step.tone !== "text" && highest >= NEAR * step.at).map((step) => ({ value: step.at * unit.factor, tone: toneOf(step.tone) }));
  const exemplars = useExemplars(panel, grid, variables);
  const overlay = useMemo(() => (plot) => drawExemplars(plot, exemplars, unit), [exemplars]);
  const top = () => Math.max(topOf(panel, highest), Math.min(HIGHER * highest, 1.06 * Math.max(0, ...exemplars.map((each) => each.value)))) * unit.factor;
  return html`<div class="lines">
    <${Chart} title=${panel.title} unit=${unit.chart} times=${grid.times} series=${series} kind=${panel.draw === "areas" ? "stack" : "line"} quiet height="board"
      top=${top} thresholds=${thresholds} marks=${marks} overlay=${overlay} onPoint=${setAt} />
    <ul class="board-legend">${series.map((each, index) => html`<li key=${index}><${Menu} title=${`From ${each.name}`} links=${linksOf(panel, variables, each.metric)}>
      <i class="swatch" style=${{ "--swatch": `var(--${each.tone})` }}></i><span class="cut">${each.name}</span><//>
      <b>${unit.write((at === null ? lastOf(each.values) : each.values[at]) == null ? null : (at === null ? lastOf(each.values) : each.values[at]) / unit.factor)}</b></li>`)}
      ${all.length > drawn && html`<li class="faint">${highest === 0 ? `and ${all.length - drawn} more, all zero` : `${all.length - drawn} lower ones are not drawn`}</li>`}</ul>
  </div>`;
}

/** The least top of the scale: of shares on top of each other their whole; something where all is zero. */
function topOf(panel, highest) {
  if (highest === 0) return panel.unit === "percentunit" ? 0.01 : 1;
  return panel.draw === "areas" && panel.most !== undefined ? panel.most : 0;
}

/** The series with tones: by their names where the panel gives them, else one after the other. */
function toned(panel, chosen) {
  const order = [...chosen].sort((a, b) => a.name.localeCompare(b.name));
  return chosen.map((each) => {
    const own = panel.tones?.[each.name];
    return { ...each, tone: own ? toneOf(own) : `tone-${(order.indexOf(each) % TONES) + 1}` };
  });
}
