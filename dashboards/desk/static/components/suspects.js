// Suspects: what is wrong with some requests, where their time goes, and what they have more often than others.
//
// In: the address, whose `problem` chooses one. Out: markup; a click adds a term to the address's filter.
import { Answered, Empty } from "./state.js";
import { asked, change, link } from "../lib/address.js";
import { useAnswer } from "../lib/api.js";
import { count, duration, share, shortIds, shortName, span } from "../lib/format.js";
import { html, useState } from "../lib/preact.js";
import { style } from "../lib/style.js";
import { colourOf } from "../lib/stages.js";
import { hasTerm, toggleTerm } from "../lib/terms.js";
import { toneOf } from "../lib/tones.js";

await style(import.meta.url);

const FIRST = 5;
const SHORTER = "Drag over the chart where it began: then there is a time before it.";
const KINDS = { failing: "failing", slow: "slow", on_the_way: "long on the way", empty: "empty" };
const ADJECTIVES = { failing: "failing", slow: "slow", on_the_way: "delayed", empty: "empty", changed: "" };

/** address: what is shown. */
export function Suspects({ address }) {
  const { problem } = address.query;
  const suspects = useAnswer("/api/suspects", asked(address, { problem }));
  return html`<${Answered} of=${suspects} empty=${(answer) => !answer.problem} nothing=${html`<${Nothing} answer=${suspects.answer} address=${address} />`}>
    ${(answer) => html`<${Verdict} answer=${answer} address=${address} />
      <div class="suspects ${isOfAttributes(answer) ? "is-one" : ""}">
        ${!isOfAttributes(answer) && html`<${Spans} answer=${answer} />`}
        <${Attributes} answer=${answer} address=${address} /></div>
      <${Foot} answer=${answer} />`}<//>`;
}

/** Whether no time is lost and nothing fails. */
const isOfAttributes = ({ problem, spans }) => spans.length === 0 && (problem.kind === "changed" || problem.kind === "empty");

/** Nothing is wrong: says against what that was measured. */
function Nothing({ answer, address }) {
  if (!answer) return null;
  const { since, until } = address.range;
  const length = span(until - since);
  if (address.query.problem) return html`<${Empty} title=${`No request is ${KINDS[address.query.problem] ?? "of that kind"}`}><p><a href=${link(null, { problem: null })}>Look for any problem</a></p><//>`;
  if (!answer.sample.of) return html`<${Empty} title="No requests to look at" />`;
  if (answer.baseline.kind === "before") return html`<${Empty} title="Nothing stands out"><p>As many requests are slow, fail or are empty as in the ${length} before.</p><//>`;
  return html`<${Empty} title="Nothing before to compare with"><p>There are too few requests in the ${length} before to say whether these are slower or fail more often than usual. Among themselves, none is much slower than the others, and hardly any fail. ${SHORTER}</p>
    <p><a href=${link("/compare", { left: "typical", right: "slow" })}>Compare the slowest with typical ones</a></p><//>`;
}

/** The problem in a sentence, and the others that there are. */
function Verdict({ answer, address }) {
  const { problem, counts } = answer;
  const kinds = Object.keys(KINDS).filter((kind) => counts[kind] || kind === problem.kind);
  const [word, tone] = problem.kind === "changed" ? ["changed", "is-info"] : problem.is_new ? ["new", "is-bad"] : problem.is_known ? ["not new", ""] : ["now", "is-info"];
  return html`<div class="verdict"><span class="chip ${tone}">${word}</span>
    <p><span class="strong">${problem.sentence}</span>${word === "now" && html` <span class="quiet">${SHORTER}</span>`}</p>
    ${kinds.length > 1 && html`<span class="switch verdict-kinds" role="group" aria-label="Problem">${kinds.map((kind) => html`<button key=${kind} type="button"
      aria-pressed=${kind === problem.kind} onClick=${() => change({ problem: kind }, { replace: true })}>${KINDS[kind]} <span class="faint">${count(counts[kind])}</span></button>`)}</span>`}</div>`;
}

function Spans({ answer }) {
  const { problem, spans } = answer;
  const isFailing = problem.kind === "failing";
  const most = Math.max(...spans.map((row) => (isFailing ? row.errors : row.critical_ns)), 1);
  return html`<section aria-label="Suspect spans"><h3>${isFailing ? "Where the errors begin" : "Where they wait"}</h3>
    ${spans.length === 0 && html`<p class="quiet">No path takes clearly longer than usual.</p>`}
    <ol class="suspect-list">${spans.slice(0, FIRST).map((row) => html`<li key=${`${row.path} ${row.is_way}`}><${SpanRow} ...${{ row, most, isFailing }} /></li>`)}</ol>
    ${spans.some((row) => !row.is_way) && html`<p class="suspect-more"><a href=${link("/dashboard/search-stage", { operation: null })}>Queues, pools and batches of the stages</a></p>`}</section>`;
}

/** One path: its time as a bar, with a mark where it usually is. */
function SpanRow({ row, most, isFailing }) {
  const figure = isFailing
    ? html`<b>${share(row.errors / row.of_errors)}</b> <span class="quiet">begin here</span>`
    : html`<b>${duration(row.critical_ns)}</b> <span class="quiet">usually ${duration(row.baseline_critical_ns)}</span>`;
  const value = isFailing ? row.errors : row.critical_ns;
  return html`<button type="button" class="plain suspect" title="Show this operation" onClick=${() => show(row)}>
    <span class="suspect-name"><i class="swatch is-block" style=${{ "--swatch": row.is_way ? colourOf("transit") : `var(--${toneOf(row.service)})` }}></i><span class="cut">
      <span class="faint">${row.service} › </span><b>${shortName(row.operation)}</b>${row.is_way && html` <span class="chip">on the way</span>`}</span></span>
    <span class="suspect-figure">${figure}</span>
    <span class="suspect-bar" aria-hidden="true"><i style=${{ width: `${(100 * value) / most}%` }}></i>
      ${!isFailing && html`<s style=${{ left: `${Math.min(100, (100 * row.baseline_critical_ns) / most)}%` }}></s>`}</span>
    <span class="suspect-note faint">${isFailing ? row.error_types.join(", ") || "no type" : savingOf(row)}</span></button>`;
}

/** Its summary, from the top: it looks much like the one that is left. */
function show({ operation, service }) {
  change({ operation, service });
  window.scrollTo(0, 0);
}

function savingOf(row) {
  const saved = row.saving_ns - row.baseline_saving_ns;
  if (saved >= 0.95 * (row.critical_ns - row.baseline_critical_ns)) return "all of that would be saved if it were as usual";
  return `${duration(saved)} would be saved if it were as usual: the rest runs beside others`;
}

function Attributes({ answer, address }) {
  const { problem, attributes } = answer;
  const [all, setAll] = useState(false);
  const first = attributes.filter((row) => !row.explained_by).slice(0, FIRST);
  const shown = all ? attributes : first;
  const others = answer.baseline.attributes === "before" ? "those before" : "the others";
  return html`<section aria-label="Suspect attributes"><h3>${problem.kind === "changed" ? "What is different" : "What they share"}</h3>
    ${attributes.length === 0 && html`<p class="quiet">No attribute is more frequent among them than among ${others}, beyond chance.</p>`}
    <ol class="suspect-list">${shown.map((row) => html`<li key=${`${row.stage} ${row.key} ${row.sign} ${row.value}`}><${AttributeRow} ...${{ row, problem, address }} /></li>`)}</ol>
    ${attributes.length > first.length && html`<button type="button" class="plain link suspect-more" aria-expanded=${all} onClick=${() => setAll(!all)}>${all ? "Fewer" : `${attributes.length - first.length} more, weaker or following from these`}</button>`}</section>`;
}

/** One attribute as a sentence, above its two shares. */
function AttributeRow({ row, problem, address }) {
  const first = row.matching / Math.max(1, row.of_matching);
  const second = row.others / Math.max(1, row.of_others);
  const chosen = hasTerm(address.query.filter, row.filter);
  const adjective = ADJECTIVES[problem.kind] ?? "";
  return html`<button type="button" class="plain suspect" disabled=${!row.filter} aria-pressed=${row.filter ? chosen : undefined}
      title=${row.filter ? `${chosen ? "Remove" : "Filter by"} ${row.filter}` : undefined} onClick=${() => toggleTerm(address, row.filter)}>
    <span class="suspect-sentence"><b>${share(first)}</b> of the ${adjective} requests have <${Named} row=${row} />,
      <b class="suspect-others"> ${share(second)}</b> of ${row.against === "before" ? "those before" : "the others"}.</span>
    <span class="suspect-shares" aria-hidden="true"><i style=${{ width: `${100 * first}%` }}></i><i style=${{ width: `${100 * second}%` }}></i></span>
    <span class="suspect-note faint">${noteOf(row)}</span></button>`;
}

function Named({ row }) {
  const at = row.stage.split(" › ");
  const place = at.length > 1 ? `${at[0]} › ${shortName(at.slice(1).join(" › "))}` : at[0];
  if (row.key === "span") return html`${row.value === "1" ? "a span" : `${row.value} or more spans`} <b class="suspect-what">${place}</b>`;
  const also = row.same[0] && !isOfProcess(row.same[0]) && html` and <b class="suspect-what">${lastOf(row.same[0])}</b>`;
  return html`<span class="quiet">${place} › </span><b class="suspect-what" title=${row.value}>${row.key} ${row.sign} ${shortIds(row.value)}</b>${also}`;
}

const lastOf = (text) => shortIds(text.split(" › ").pop());
const isOfProcess = (text) => /[._](id|pid|port|address) = /.test(text);

/** What else is so, and how sure it is. */
function noteOf(row) {
  const least = `at least ${Math.round(100 * row.lower)} points apart`;
  if (row.explained_by) return `${least}; follows from ${shortIds(row.explained_by)}`;
  const more = row.same.filter((text, index) => index > 0 || isOfProcess(text)).slice(0, 2);
  return more.length ? `${least}; the same requests have ${more.map(lastOf).join(", ")}` : least;
}

/** How it was found. */
function Foot({ answer }) {
  const { sample, problem, baseline } = answer;
  const scanned = sample.traces < sample.of ? `${count(sample.traces)} of ${count(sample.of)} requests` : `${count(sample.of)} requests`;
  const limits = Object.entries(problem.thresholds_ns);
  const slow = limits.length === 1 ? ` Slow is above ${duration(limits[0][1])}.` : "";
  return html`<p class="card-foot faint">From ${scanned}${baseline.kind === "before" ? ", half of them of the time before" : ""}; ${count(sample.attributes)} compared in ${count(sample.tried)} attributes.${slow}
    ${" "}Of a healthy system, one answer in twenty names anything.</p>`;
}
