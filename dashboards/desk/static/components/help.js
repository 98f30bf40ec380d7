// The list of shortcuts, by the key `?`.
import { all, useKeys } from "../lib/keyboard.js";
import { html, useRef, useState } from "../lib/preact.js";

const SIGNS = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→", Escape: "Esc" };

/** A dialog that opens by its key. */
export function Help() {
  const dialog = useRef(null);
  const [shown, setShown] = useState([]);
  const open = () => {
    setShown(all());
    dialog.current.showModal();
  };
  useKeys({ "?": ["show these shortcuts", open] });
  return html`<dialog ref=${dialog} class="help" aria-labelledby="help-title" onClick=${(event) => event.target === dialog.current && dialog.current.close()}>
    <form method="dialog"><h2 id="help-title">Keys</h2>
      <dl>${shown.map(([keys, what]) => html`<div key=${keys}><dt>${keys.split(" ").map((key) => html`<kbd>${SIGNS[key] ?? key}</kbd>`)}</dt><dd>${what}</dd></div>`)}</dl>
      <button type="submit" class="primary" autofocus>Close</button></form>
  </dialog>`;
}
