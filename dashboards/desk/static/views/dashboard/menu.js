// A menu of links, behind a button. In: links. Out: markup. State: whether it is open.
import { html, useEffect, useRef, useState } from "../../lib/preact.js";

/** title: what the links lead from, for screen readers. links: `[{ title, href }]`. children: what the button shows. */
export function Menu({ title, links, children, className = "" }) {
  const [open, setOpen] = useState(false);
  const place = useRef(null);
  useEffect(() => {
    if (!open) return undefined;
    const away = (event) => (event.key === "Escape" || (event.type === "pointerdown" && !place.current?.contains(event.target))) && setOpen(false);
    document.addEventListener("keydown", away);
    document.addEventListener("pointerdown", away);
    return () => {
      document.removeEventListener("keydown", away);
      document.removeEventListener("pointerdown", away);
    };
  }, [open]);
  if (links.length === 0) return children ? html`<span class=${className}>${children}</span>` : null;
  return html`<span class="menu ${className}" ref=${place}>
    <button type="button" class="plain menu-button" aria-expanded=${open} aria-label=${children ? undefined : title} onClick=${() => setOpen(!open)}>${children ?? "⋯"}</button>
    ${open && html`<ul class="popover menu-list" aria-label=${title}>${links.map(({ title: name, href }) => html`<li key=${href}><a href=${href} onClick=${() => setOpen(false)}>${name}</a></li>`)}</ul>`}
  </span>`;
}
