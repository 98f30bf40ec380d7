// Catches what a part of a page throws, so that the rest of the page goes on. In: a part. Out: it, or what went wrong.
import { html, useEffect, useErrorBoundary } from "../lib/preact.js";

/**
 * children: what may throw. of: what it is drawn from; once that changes, it is drawn again. quiet: show nothing instead.
 */
export function Guard({ children, of, quiet = false }) {
  const [error, reset] = useErrorBoundary((caught) => console.error(caught));
  useEffect(() => { if (error) reset(); }, [of]);
  if (!error) return children;
  if (quiet) return null;
  return html`<div class="state state-problem" role="alert"><p class="state-title">This part cannot be drawn</p>
    <p class="quiet">${String(error?.message ?? error)}</p><button type="button" onClick=${reset}>Try again</button></div>`;
}
