// The login, where the collector asks for a token.
import { logIn } from "../lib/api.js";
import { html, useRef, useState } from "../lib/preact.js";

/** onDone: called once the reader is logged in. */
export function Login({ onDone }) {
  const field = useRef(null);
  const [error, setError] = useState(null);
  const submit = async (event) => {
    event.preventDefault();
    try {
      await logIn(field.current.value.trim());
      onDone();
    } catch (caught) {
      setError(caught);
      field.current.select();
    }
  };
  return html`<main class="login"><form class="card" onSubmit=${submit} aria-labelledby="login-title">
    <h1 id="login-title">Log in</h1>
    <p class="quiet">This collector requires a token: that of its token file, or of <code>SEARCH_<wbr />TELEMETRY_<wbr />COLLECTOR_<wbr />TOKEN</code>.</p>
    <label for="token">Token</label>
    <input id="token" type="password" autocomplete="current-password" spellcheck="false" required ref=${field} autofocus
      aria-invalid=${error ? "true" : undefined} aria-describedby=${error ? "token-error" : undefined} />
    ${error && html`<p id="token-error" class="is-bad" role="alert">${error.message} ${error.hint}</p>`}
    <button type="submit" class="primary">Log in</button>
  </form></main>`;
}
