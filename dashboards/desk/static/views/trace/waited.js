// Where the time went: the critical path by operation, as one bar and its legend; and the legend of services.
import { count, duration, share } from "../../lib/format.js";
import { html } from "../../lib/preact.js";

const SHOWN = 5;
const nameOf = (each) => (each.on_the_way ? `on the way of ${each.name}` : each.name);
/** Whether another one of these has the same name, in another service. */
const isNamesake = (each, all) => all.some((other) => other.service !== each.service && nameOf(other) === nameOf(each));

/** overview: of the trace. tone: colours. onPick(name): a click on an operation. */
export function Waited({ overview, tone, onPick }) {
  const whole = overview.root_duration_ns;
  if (!overview.waited.length || !(whole > 0)) return null;
  const shown = overview.waited.slice(0, SHOWN);
  const rest = whole - overview.waited.reduce((sum, each) => sum + each.critical_ns, 0);
  return html`<section class="waited" aria-label="Where the time went">
    <div class="waited-bar" aria-hidden="true">${overview.waited.map((each, index) => html`<span key=${index} class=${each.on_the_way ? "is-way" : ""}
      style=${{ width: `${(100 * each.critical_ns) / whole}%`, "--tone": tone(each.service) }}></span>`)}</div>
    <ol class="waited-list">${shown.map((each, index) => html`<li key=${index}>
      <span class="row-tone ${each.on_the_way ? "is-way" : ""}" style=${{ "--tone": tone(each.service) }} aria-hidden="true"></span>
      <button type="button" class="plain" title="Search for it: ${each.name}, ${each.service}" onClick=${() => onPick(each.name)}>${nameOf(each)}</button>${isNamesake(each, shown) && html` <span class="faint">${each.service}</span>`}
      <b>${duration(each.critical_ns)}</b> <span class="faint">${share(each.critical_ns / whole)}${each.count > 1 ? ` in ${count(each.count)} spans` : ""}</span></li>`)}
      ${overview.waited.length > SHOWN && html`<li class="faint">and others ${duration(rest + overview.waited.slice(SHOWN).reduce((sum, each) => sum + each.critical_ns, 0))}</li>`}
    </ol>
  </section>`;
}

/** The services with their colours, spans and errors. onPick(service). */
export function Legend({ overview, tone, onPick }) {
  const more = overview.service_count - overview.services.length;
  return html`<ul class="services" aria-label="Services">${overview.services.map((each) => html`<li key=${each.service}>
    <button type="button" class="plain" title="${count(each.span_count)} spans, ${duration(each.critical_ns)} on the critical path" onClick=${() => onPick(each.service)}>
      <span class="row-tone" style=${{ "--tone": tone(each.service) }} aria-hidden="true"></span>${each.service}
      <span class="faint">${count(each.span_count)}</span>${each.error_count > 0 && html`<span class="is-bad"> ✕ ${count(each.error_count)}</span>`}</button></li>`)}
    ${more > 0 && html`<li class="faint">and ${count(more)} more</li>`}</ul>`;
}
