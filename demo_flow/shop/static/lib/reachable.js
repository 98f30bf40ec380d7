// Whether something answers at an address, from this browser: a link there then leads somewhere.
//
// In: an address of another origin, and how it is asked. Out: yes or no. State: the answer, and when it was got.

const PATIENCE = 1500;
const FRESH = 10_000; // milliseconds

export class Reachable {
  answers = false;
  #asked = -Infinity;

  /** `init` is that of `fetch`; without one, anything that answers will do: a page may not read what. */
  constructor(address, path, init = { mode: "no-cors" }) {
    this.address = address;
    this.path = path;
    this.init = init;
  }

  /** Ask, unless that was done a moment ago; return whether it answers. */
  async ask() {
    if (!this.address || performance.now() - this.#asked < FRESH) return this.answers;
    this.#asked = performance.now();
    const init = { ...this.init, cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(PATIENCE) };
    const asked = fetch(new URL(this.path, this.address), init);
    this.answers = await asked.then((answer) => answer.ok || answer.type === "opaque", () => false);
    return this.answers;
  }

  /** Host and port, for people. */
  get name() {
    return this.address ? new URL(this.address).host : "";
  }
}
