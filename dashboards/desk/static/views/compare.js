// Two sides compared, path by path: two traces, slow against typical requests, one version or region against another.
//
// In: the address: `left`, `right`, `measure`, `order`, and the bar's time and filters. Out: changes of it. State: none.
import { useAnswer } from "../lib/api.js";
import { asked, change, link, traceLink } from "../lib/address.js";
import { count, duration, plural } from "../lib/format.js";
import { useKeys } from "../lib/keyboard.js";
import { html, useMemo } from "../lib/preact.js";
import { style } from "../lib/style.js";
import { Empty, Loading, Problem } from "../components/state.js";
import { deltaOf, difference, MEASURES, NEARLY, Paths, spans } from "./compare/paths.js";
import { nameOf, Sides } from "./compare/sides.js";
import { tonesOf } from "./trace/tones.js";

await Promise.all([style(import.meta.url), style(new URL("trace.js", import.meta.url).href)]);

/** address: what is shown. */
export default function View({ address }) {
  const { query } = address;
  const [left, right] = [query.left || "typical", query.right || "slow"];
  const measure = MEASURES.some(([key]) => key === query.measure) ? query.measure : "critical_ns";
  const found = useAnswer("/api/compare", asked(address, { left, right }));
  const [measures, ordered] = [MEASURES.map(([key]) => key), query.order === "difference"];
  useKeys({
    x: ["swap the sides", () => change({ left: right, right: left })],
    m: ["next measure", () => change({ measure: measures[(measures.indexOf(measure) + 1) % measures.length] }, { replace: true })],
    o: ["order by difference, or by the tree", () => change({ order: ordered ? null : "difference" }, { replace: true })],
  });
  return html`<div class="compare">
    <div class="view-head"><h1>Compare</h1><${Sides} ...${{ left, right }} asked=${asked(address)} /></div>
    ${!query.operation && ![left, right].every(isTrace) && html`<${Operations} asked=${asked(address)} />`}
    ${!found.answer && found.error && html`<${NotFound} ...${{ found, left, right }} />`}
    ${!found.answer && !found.error && html`<${Loading} what="Comparing" />`}
    ${found.answer && html`<div class=${found.loading ? "answered is-loading" : "answered"} aria-busy=${found.loading}>
      ${found.error && html`<${Problem} error=${found.error} reload=${found.reload} />`}
      <${Comparison} answer=${found.answer} ...${{ measure, ordered, left, right }} /></div>`}
  </div>`;
}

const isTrace = (side) => /^[0-9a-f]{1,32}$/i.test(side);

/** Says that several operations are mixed, and leads to each. */
function Operations({ asked: about }) {
  const { answer } = useAnswer("/api/who", about);
  const found = [...new Set((answer?.operations ?? []).map((each) => each.value))];
  if (found.length < 2) return null;
  return html`<p class="compare-ops"><span>All operations are compared together. Only</span>
    ${found.slice(0, 6).map((name) => html`<a key=${name} href=${link(null, { operation: name })}>${name}</a>`)}</p>`;
}

function NotFound({ found, left, right }) {
  if (found.error.code !== "not_found") return html`<${Problem} error=${found.error} reload=${found.reload} />`;
  return html`<${Empty} title="Nothing to compare"><p>${found.error.message} ${found.error.hint}</p><p class="quiet">${nameOf(left)} against ${nameOf(right)}</p><//>`;
}

function Comparison({ answer, measure, ordered, left, right }) {
  const { rows, sample } = answer;
  const tone = useMemo(() => tonesOf([...new Set(rows.map((row) => row.service))].map((service) => ({ service }))), [rows]);
  const whole = Math.max(answer.left.duration_ns, answer.right.duration_ns);
  return html`<p class="compare-sentence">${said(answer.sentence, left, right)}</p>
    <div class="compare-sides">
      ${[["left", left], ["right", right]].map(([name, side]) => html`<${Side} key=${name} name=${name} title=${nameOf(side)} side=${answer[name]} whole=${whole} />`)}
      <div class="compare-total"><span class="faint">difference</span><b class=${answer.is_certain === false ? "quiet" : answer.right.duration_ns > answer.left.duration_ns ? "is-bad" : "is-good"}>${difference(answer.right.duration_ns - answer.left.duration_ns)}</b>
        <span class="faint">${sample.traces < sample.of ? `a sample of ${count(sample.traces)} of ${plural(sample.of, "trace")}` : plural(sample.of, "trace")}</span></div>
    </div>
    <section class="card" aria-label="Path by path">
      <div class="tools"><span class="switch" role="group" aria-label="What is compared">${MEASURES.map(([key, title, hint]) => html`<button key=${key} type="button" title=${hint}
          aria-pressed=${measure === key} onClick=${() => change({ measure: key }, { replace: true })}>${title}</button>`)}</span>
        <span class="switch" role="group" aria-label="Order">
          <button type="button" aria-pressed=${!ordered} onClick=${() => change({ order: null }, { replace: true })}>tree</button>
          <button type="button" aria-pressed=${ordered} onClick=${() => change({ order: "difference" }, { replace: true })}>largest difference</button></span>
        <span class="tools-count faint">${plural(answer.row_count, "path")}${rows.length < answer.row_count ? `, the ${rows.length} with most time` : ""} · ${changed(rows, measure, whole)} differ</span></div>
      <${Paths} ...${{ rows, measure, ordered, tone, whole }} />
    </section>`;
}

const changed = (rows, measure, whole) => count(rows.filter((row) => !row.left || !row.right || Math.abs(deltaOf(row, measure)) >= NEARLY * whole).length);

/** The API's sentence, in which the sides have their names. */
function said(sentence, left, right) {
  return sentence.replace("The right side takes", `${capital(nameOf(right))} ${takes(right)}`).replace(/ (longer|less)/, ` $1 than ${nameOf(left)}`);
}

const takes = (side) => (/^(typical|slow|failing)$/.test(side) ? "take" : "takes");
const capital = (text) => text[0].toUpperCase() + text.slice(1);

function Side({ name, title, side, whole }) {
  return html`<div class="compare-side is-${name}"><span class="compare-side-name"><span class="side-key" aria-hidden="true"></span>${title}</span>
    <b>${duration(side.duration_ns)}</b>
    <span class="side-bar" aria-hidden="true"><span style=${{ width: `${whole ? (100 * side.duration_ns) / whole : 0}%` }}></span></span>
    <span class="faint">${side.of > 1 ? `${side.traces < side.of ? `${count(side.traces)} of ` : ""}${plural(side.of, "trace")}, on average ` : ""}${spans(side.span_count)} · <a href=${traceLink(side.trace_id)}>${side.of > 1 ? "one of them" : "open it"}</a></span></div>`;
}
