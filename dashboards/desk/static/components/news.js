// What is new at the entry points: what is wrong, where it waits and what it shares, in lines that lead to the suspects.
//
// In: the address, and the rows of entry points. Out: markup; nothing where nothing is new.
import { asked, isoTime, link } from "../lib/address.js";
import { useAnswer } from "../lib/api.js";
import { shortIds, shortName, shortNames } from "../lib/format.js";
import { html } from "../lib/preact.js";

const ENTRIES = 3;
const LEAST = 40; // requests, as the collector asks for
const EVERY_S = 30; // while live, the question moves on no more often: it costs more than the others

/** address: what is shown. rows: entry points, of which the first are asked about. */
export function News({ address, rows }) {
  const often = new Map(rows.filter((row) => row.count >= LEAST).map((row) => [`${row.service}\n${row.operation}`, row])); // once, whatever they search
  return html`<ul class="news" aria-label="What is new">${[...often].slice(0, ENTRIES).map(([key, row]) => html`<${New} key=${key} ...${{ address, row }} />`)}</ul>`;
}

function New({ address, row }) {
  const { operation, service } = row;
  const { answer } = useAnswer("/api/suspects", asked(address, { operation, service, limit: 1, ...steady(address) }));
  const problem = answer?.problem;
  if (!problem?.is_new || problem.kind === "changed") return null;
  const more = [answer.spans[0], answer.attributes[0]].filter(Boolean).map((one) => shortNames(shortIds(one.sentence)));
  return html`<li class="card"><p><span class="chip is-bad">new</span> <a href=${link("/summary", { operation, service })}><b>${shortName(operation)}</b> ${service}</a>${" "}
    <span class="strong">${problem.sentence}</span> <span class="quiet">${more.join(" ")}</span></p></li>`;
}

/** The range of a live page, which stays for a while. */
function steady({ live, range }) {
  if (!live) return {};
  const late = range.until % EVERY_S;
  return { since: isoTime(range.since - late), until: isoTime(range.until - late) };
}
