// The query box: a text, or a picture by a button, a drop, a paste or a phone's camera.
//
// In: what the shop reads; callbacks. Out: `onAsk(query, gesture)`, `onProblem(problem)`. State: the text in the box.
import { CAMERA, GLASS, h, mark, PICTURE } from "../lib/dom.js";
import { fileOf, problemOf } from "../lib/pictures.js";

export class Asking {
  constructor({ shop, onAsk, onProblem }) {
    this.shop = shop;
    this.onAsk = onAsk;
    this.onProblem = onProblem;
    this.box = h("input", {
      type: "search", name: "q", autocomplete: "off", enterKeyHint: "search", maxLength: shop.text.most,
      placeholder: "In any language", "aria-label": "What are you looking for?",
    });
    const accept = shop.picture.types.join(",");
    const hidden = { type: "file", class: "unseen", tabIndex: -1, change: (event) => this.#chosen(event) };
    this.file = h("input", { ...hidden, accept });
    this.camera = h("input", { ...hidden, accept: "image/*", capture: "environment" });
    this.file.setAttribute("aria-hidden", "true");
    this.camera.setAttribute("aria-hidden", "true");
    this.element = h("form", { class: "asking", role: "search", submit: (event) => this.#submitted(event) },
      h("div", { class: "box" }, mark(...GLASS), this.box,
        h("button", { type: "button", class: "plain", "aria-label": "Search by a picture", title: "Search by a picture",
          click: () => this.file.click() }, mark(...PICTURE)),
        h("button", { type: "button", class: "plain touch", "aria-label": "Take a photo", title: "Take a photo",
          click: () => this.camera.click() }, mark(...CAMERA))),
      this.file, this.camera,
      h("button", { type: "submit", class: "main", "aria-label": "Search" }, h("span", {}, "Search"), mark(...GLASS)));
    this.#listen();
  }

  /** Show a text in the box. */
  write(text) {
    this.box.value = text;
  }

  #submitted(event) {
    event.preventDefault();
    const text = this.box.value.trim();
    if (text) this.onAsk({ text }, "click");
    else this.box.focus();
  }

  #chosen(event) {
    const [file] = event.target.files;
    if (file) this.#take(file, "change");
    event.target.value = ""; // the same file can be chosen again
  }

  #take(file, gesture) {
    const problem = problemOf(file, this.shop.picture);
    if (problem) this.onProblem(problem, file);
    else this.onAsk({ file }, gesture);
  }

  /** Drops count anywhere on the page, and so do pastes. */
  #listen() {
    const root = document.documentElement;
    const dragging = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    addEventListener("dragover", (event) => {
      if (!dragging(event)) return;
      event.preventDefault();
      root.classList.add("dropping");
    });
    addEventListener("dragleave", (event) => event.relatedTarget || root.classList.remove("dropping"));
    addEventListener("drop", (event) => {
      root.classList.remove("dropping");
      if (!dragging(event)) return;
      event.preventDefault();
      const file = fileOf(event.dataTransfer);
      if (file) this.#take(file, "drop");
    });
    addEventListener("paste", (event) => {
      const file = fileOf(event.clipboardData);
      if (!file) return;
      event.preventDefault();
      this.#take(file, "paste");
    });
    addEventListener("keydown", (event) => {
      const typing = event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey;
      if (event.key !== "/" || typing) return;
      event.preventDefault();
      this.box.focus();
    });
  }
}
