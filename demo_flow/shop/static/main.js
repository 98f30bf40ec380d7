// The shop's page: puts the parts together, and asks.
//
// In: what `/api/shop` says of the shop. Out: the page. State: who asks, the searches of this visit, the newest answer.
import { Asking } from "./components/asking.js";
import { welcome } from "./components/examples.js";
import { grid, languagesOf } from "./components/goods.js";
import { empty, failure } from "./components/notice.js";
import { timing } from "./components/timing.js";
import { Who } from "./components/who.js";
import * as address from "./lib/address.js";
import { h } from "./lib/dom.js";
import { ownName } from "./lib/format.js";
import { Reachable } from "./lib/reachable.js";
import { search } from "./lib/search.js";
import { Telemetry } from "./lib/telemetry.js";

const at = (id) => document.getElementById(id);
const MOST = 20; // searches that are remembered

class Page {
  searches = [];
  newest = null;
  #running = null;
  #picture = null;

  constructor(shop) {
    this.shop = shop;
    this.telemetry = new Telemetry(shop);
    this.desk = new Reachable(shop.traces, "/api/health");
    this.person = this.#personOf(address.read().as) ?? shop.people[0];
    this.language = this.person.language;
    const onAsk = (query, gesture) => this.ask(query, gesture);
    this.asking = new Asking({ shop, onAsk, onProblem: (problem, file) => this.#refused(problem, file) });
    this.who = new Who({ shop, person: this.person, onChange: (person) => this.#changed(person) });
    const home = h("a", { class: "home", href: "/", click: (event) => this.#home(event) },
      h("img", { src: "/static/icon.svg", alt: "", width: 34, height: 34 }), "Pamazon");
    at("top").replaceChildren(home, this.asking.element, this.who.element);
    at("examples").replaceChildren(welcome({ examples: shop.examples, onAsk }));
    addEventListener("popstate", () => this.#fromAddress());
  }

  /** Find out who answers, then do what the address says. */
  async open() {
    await Promise.all([this.telemetry.collector.ask(), this.desk.ask()]);
    at("bottom").replaceChildren(...this.#footer().filter(Boolean));
    this.#fromAddress();
  }

  /** Search, and show what comes of it; a search that still runs is given up. */
  async ask(query, gesture) {
    this.#running?.abort();
    const running = (this.#running = new AbortController());
    const person = this.person;
    address.write(query, person);
    this.asking.write(query.text ?? "");
    at("main").setAttribute("aria-busy", "true");
    this.telemetry.collector.ask();
    try {
      await this.telemetry.gesture(gesture, person, async (step) => {
        const answer = await search(query, person, this.telemetry, running.signal);
        await step("draw", async () => {
          this.#answered(query, person, answer);
          await new Promise((painted) => requestAnimationFrame(painted));
        });
      });
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    } finally {
      if (this.#running === running) at("main").removeAttribute("aria-busy");
    }
  }

  #answered(query, person, answer) {
    const label = labelOf(query);
    this.newest = { query, person, answer, label };
    this.searches = [{ label, person, ok: answer.ok, took: answer.took, traceId: answer.traceId }, ...this.searches];
    this.searches.length = Math.min(this.searches.length, MOST);
    this.#show();
    this.desk.ask().then((answers) => answers !== this.shown && this.#showTiming());
  }

  #show() {
    at("examples").hidden = true;
    document.querySelector(".found").hidden = false;
    this.#showTiming();
    this.#showGoods();
    document.title = `${this.newest.label} – Pamazon`;
    scrollTo({ top: 0 });
  }

  #showTiming() {
    this.shown = this.desk.answers;
    const why = this.shop.traces ? `Its trace cannot be opened: nothing answers at ${this.desk.name}.` : "";
    const open = this.desk.answers ? this.shop.traces : null;
    if (this.searches.length) at("timing").replaceChildren(timing({ searches: this.searches, open, why }));
    else at("timing").replaceChildren();
  }

  #showGoods() {
    const { query, answer, label } = this.newest;
    const onAsk = (next, gesture) => this.ask(next, gesture);
    const said = saidOf(answer, query, label);
    at("status").textContent = said;
    if (!answer.ok) return at("results").replaceChildren(failure(answer.error));
    if (!answer.results.length) {
      return at("results").replaceChildren(empty({ answer, query, label, examples: this.shop.examples, onAsk }));
    }
    at("results").replaceChildren(
      h("div", { class: "heading" },
        this.#thumb(query), h("h1", { dir: "auto" }, said), this.#languages(answer.results)),
      grid({ results: answer.results, language: this.language, onAsk }));
  }

  #languages(results) {
    const codes = languagesOf(results);
    if (codes.length < 2) return null;
    const chosen = codes.includes(this.language) ? this.language : "en";
    const options = codes.map((code) =>
      h("option", { value: code, lang: code, selected: code === chosen }, ownName(code)));
    const change = (event) => {
      this.language = event.target.value;
      this.#showGoods();
      at("results").querySelector("select").focus();
    };
    return h("label", { class: "small languages" }, "Names in", h("select", { change }, options));
  }

  #thumb({ file, like }) {
    if (this.#picture) URL.revokeObjectURL(this.#picture);
    this.#picture = file ? URL.createObjectURL(file) : null;
    const source = this.#picture ?? (like ? `/pictures/${encodeURIComponent(like)}` : null);
    return source && h("img", { class: "thumb", src: source, alt: file ? "Your picture" : "", width: 56, height: 56 });
  }

  /** A file that the shop does not read: it was not sent, and nothing is counted. */
  #refused(problem, file) {
    const label = file.name || "a file";
    this.newest = { query: {}, person: this.person, label, answer: { ok: false, error: problem, results: [] } };
    at("examples").hidden = true;
    document.querySelector(".found").hidden = false;
    this.#showGoods();
  }

  #changed(person) {
    this.person = person;
    this.language = person.language;
    if (this.newest?.answer.took) this.ask(this.newest.query, "change");
    else address.write(null, person);
  }

  #personOf(as) {
    const { people, platforms, regions } = this.shop;
    return address.personOf(as, people, platforms, regions, navigator.language.split("-")[0]);
  }

  #fromAddress() {
    const { text, like, as } = address.read();
    const person = this.#personOf(as);
    if (person && address.key(person) !== address.key(this.person)) {
      this.person = person;
      this.language = person.language;
      this.who.show(person);
    }
    if (text || like) this.ask(text ? { text } : { like, name: like }, "load");
    else this.#showFirstPage();
  }

  #home(event) {
    event.preventDefault();
    history.pushState(null, "", `#as=${address.key(this.person)}`);
    this.#showFirstPage();
    this.asking.box.focus();
  }

  #showFirstPage() {
    this.#running?.abort();
    this.newest = null;
    this.asking.write("");
    at("examples").hidden = false;
    document.querySelector(".found").hidden = true;
    document.title = "Pamazon";
  }

  #footer() {
    const all = this.desk.answers && h("a", { href: new URL("/", this.shop.traces).href }, "See everybody's searches");
    return [
      all && h("p", {}, all, ": how many, how fast, for whom, and which of them failed."),
      h("p", {}, "Pamazon is a demo: nothing is sold. The page's telemetry has how long your searches take and who you",
        " chose to be, never what you search for."),
      h("p", { class: "keys" }, h("kbd", {}, "/"), " goes to the search box. Drop or paste a picture anywhere."),
    ];
  }
}

function labelOf({ text, like, name, file, threshold }) {
  const what = text !== undefined ? `“${text}”` : like ? `like “${name}”` : file.name || "a picture";
  return threshold === 0 ? `${what}, all` : what;
}

function saidOf(answer, query, label) {
  if (!answer.ok) return answer.error.message;
  const count = answer.results.length;
  if (!count) return `Nothing was found for ${label}.`;
  const goods = count === 1 ? "One good" : `${count} goods`;
  if (query.threshold === 0) return `The nearest ${count}, though none may be what you asked for`;
  if (query.like) return `${goods} that look like “${query.name}”`;
  return query.file ? `${goods} that look like your picture` : `${goods} for ${label}`;
}

const shop = await fetch("/api/shop").then((answer) => answer.json());
await new Page(shop).open();
