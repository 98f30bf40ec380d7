// The numbers of a chart as a table that only screen readers see.
import { moment, writer } from "../lib/format.js";
import { html, useMemo } from "../lib/preact.js";

const MOST_ROWS = 60;

/** title, times, series, unit: as for `Chart`. Of many points it has every second, third, … */
export function ChartTable({ title, times, series, unit }) {
  return useMemo(() => drawn(title, times, series, unit), [title, times, series, unit]);
}

function drawn(title, times, series, unit) {
  const step = Math.max(1, Math.ceil(times.length / MOST_ROWS));
  const rows = times.map((time, index) => [time, index]).filter(([, index]) => index % step === 0);
  return html`<div class="unseen"><table>
    <caption>${title}</caption>
    <thead><tr><th scope="col">Time</th>${series.map((one) => html`<th scope="col">${one.name}</th>`)}</tr></thead>
    <tbody>${rows.map(([time, index]) => html`<tr key=${time}><th scope="row">${moment(time * 1000)}</th>
      ${series.map((one) => html`<td>${writer(one.unit ?? unit)(one.values[index])}</td>`)}</tr>`)}</tbody>
  </table></div>`;
}
