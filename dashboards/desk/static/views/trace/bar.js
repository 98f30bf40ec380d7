// The bar of one span: light for its time, strong where it is on the critical path, hatched where a call is on the way,
// with events and log records at their moments.
import { duration } from "../../lib/format.js";
import { html } from "../../lib/preact.js";
import { placed } from "./scale.js";

const LABEL_PX = 92;
const percent = ({ left, width }) => ({ left: `${left}%`, width: `${width}%` });

/** row: of the API. scale: what is seen. tone: its service's colour. critical: draw the path. width: of the track, pixels. */
export function Bar({ row, scale, tone, critical, width }) {
  const place = placed(scale, row.offset_ns, row.duration_ns);
  if (!place) return html`<span class="bar-away" aria-hidden="true">${row.offset_ns > scale.to ? "›" : "‹"}</span>`;
  const kind = `${critical ? "" : "is-plain"} ${row.status === "error" ? "is-error" : ""} ${row.note === "open" ? "is-open" : ""}`;
  return html`<span class="bar-whole ${kind}" style=${{ ...percent(place), "--tone": tone }}></span>
    ${critical && row.critical_parts.map(([offset, length]) => {
      const part = placed(scale, offset, length);
      return part && html`<span key=${offset} class="bar-path ${row.status === "error" ? "is-error" : ""}" style=${{ ...percent(part), "--tone": tone }}></span>`;
    })}
    ${row.way && html`<${OnTheWay} row=${row} scale=${scale} width=${width} />`}
    ${row.marks.map(([offset, what, text], index) => {
      const at = placed(scale, offset, 0);
      return at && html`<span key=${index} class="bar-mark is-${what}" style=${{ left: `${at.left}%` }} title="${what} at ${duration(offset)}: ${text}"></span>`;
    })}`;
}

/** The two sides of a call that are neither its client's nor its server's. */
function OnTheWay({ row, scale, width }) {
  const { before_ns: before, after_ns: after, estimated } = row.way;
  const end = row.offset_ns + row.duration_ns;
  const sides = [["there", row.offset_ns, before], ["back", end - after, after]];
  return sides.map(([side, offset, length]) => {
    const part = length > 0 && placed(scale, offset, length);
    if (!part) return null;
    const roomy = (part.width / 100) * width > LABEL_PX;
    const what = `on the way ${side === "there" ? "to the server" : "back"}: ${duration(length)}${estimated ? ", estimated" : ""}`;
    return html`<span key=${side} class="bar-way" style=${percent(part)} title=${what}>${roomy && html`<span class="bar-way-name">on the way</span>`}</span>`;
  });
}
