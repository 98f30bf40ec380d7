// A menu of links, behind a button. In: links. Out: markup. State: whether it is open. It stands above everything, at its button.
import { html, useEffect, useLayoutEffect, useRef, useState } from "../../lib/preact.js";

const GAP = 4;

/** title: what the links lead from, for screen readers. links: `[{ title, href }]`. children: what the button shows. */
export function Menu({ title, links, children, className = "" }) {
  const [open, setOpen] = useState(false);
  const place = useRef(null);
  const list = useRef(null);
  useLayoutEffect(() => {
    if (open) putBeside(list.current, place.current.firstElementChild.getBoundingClientRect());
  }, [open]);
  useEffect(() => {
    if (!open) return undefined;
    const close = () => setOpen(false);
    const onKey = (event) => {
      if (event.key !== "Escape") return;
      close();
      place.current?.firstElementChild.focus();
    };
    const onPointer = (event) => place.current?.contains(event.target) || close();
    document.addEventListener("keydown", onKey);
    document.addEventListener("pointerdown", onPointer);
    window.addEventListener("scroll", close, { capture: true, passive: true, once: true });
    return () => {
      document.removeEventListener("keydown", onKey);
      document.removeEventListener("pointerdown", onPointer);
      window.removeEventListener("scroll", close, { capture: true });
    };
  }, [open]);
  if (links.length === 0) return children ? html`<span class=${className}>${children}</span>` : null;
  return html`<span class="menu ${className}" ref=${place}>
    <button type="button" class="plain menu-button" aria-expanded=${open} aria-label=${children ? undefined : title} onClick=${() => setOpen(!open)}>${children ?? "⋯"}</button>
    ${open && html`<ul ref=${list} class="popover menu-list" aria-label=${title}>${links.map(({ title: name, href }) => html`<li key=${href}><a href=${href} onClick=${() => setOpen(false)}>${name}</a></li>`)}</ul>`}
  </span>`;
}

/** Put a list below a button, or above it where there is no room, inside of the window. */
function putBeside(list, button) {
  const { offsetWidth: width, offsetHeight: height } = list;
  const left = Math.max(GAP, Math.min(button.left, window.innerWidth - width - 2 * GAP));
  const below = button.bottom + GAP;
  const top = below + height > window.innerHeight ? Math.max(GAP, button.top - height - GAP) : below;
  Object.assign(list.style, { left: `${left}px`, top: `${top}px` });
  list.querySelector("a")?.focus({ preventScroll: true });
}
