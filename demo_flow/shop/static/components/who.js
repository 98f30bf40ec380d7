// Who asks: one of the people of the shop, or any platform in any region.
//
// In: people, platforms, regions, links. Out: `onChange(person)`. State: the person, and whether the list is open.
import { DOWN, h, mark } from "../lib/dom.js";
import { key } from "../lib/address.js";
import { ms, place, platformName, regionName } from "../lib/format.js";

export class Who {
  constructor({ shop, person, onChange }) {
    this.shop = shop;
    this.onChange = onChange;
    this.face = h("span", { class: "face", "aria-hidden": "true" });
    this.name = h("span", { class: "name" });
    this.where = h("span", { class: "small muted" });
    this.people = shop.people.map((one) => this.#choice(one));
    this.platform = this.#select("Platform", shop.platforms, platformName);
    this.region = this.#select("Country", shop.regions, regionName);
    this.element = h("details", { class: "who" },
      h("summary", {}, this.face,
        h("span", {}, h("span", { class: "unseen" }, "You ask as "), this.name, " ", this.where), mark(...DOWN)),
      h("div", { class: "sheet" },
        h("fieldset", {}, h("legend", {}, "Who asks?"), this.people),
        h("div", { class: "pair" }, this.platform.element, this.region.element),
        h("p", { class: "small muted" },
          "The request says so, and each span of its trace has it. The way to the shop is as long as theirs: ",
          "simulated.")));
    this.#closesByItself();
    this.show(person);
  }

  /** Show a person as the one who asks. */
  show(person) {
    this.person = person;
    this.face.textContent = person.name?.[0] ?? "?";
    this.name.textContent = person.name ?? "Somebody";
    this.where.textContent = place(person);
    for (const { firstChild: radio } of this.people) radio.checked = radio.value === key(person);
    this.platform.choose(person.platform);
    this.region.choose(person.region);
  }

  #choice(one) {
    const link = this.shop.links.find(({ platform, region }) => platform === one.platform && region === one.region);
    const way = link ? `${ms(link.ms)} away` : "";
    return h("label", { class: "choice" },
      h("input", { type: "radio", name: "who", value: key(one), change: () => this.#changed(one) }),
      h("span", { class: "face", "aria-hidden": "true" }, one.name[0]),
      h("span", {}, h("span", { class: "name" }, one.name), h("span", { class: "small muted" }, place(one))),
      h("span", { class: "small muted number" }, way));
  }

  #select(title, values, named) {
    const options = values.map((value) => h("option", { value }, named(value)));
    const select = h("select", { change: () => this.#somebody() }, options);
    return {
      element: h("label", { class: "small" }, title, select),
      choose: (value) => (select.value = value),
      get value() {
        return select.value;
      },
    };
  }

  #somebody() {
    const [platform, region] = [this.platform.value, this.region.value];
    const known = this.shop.people.find((one) => one.platform === platform && one.region === region);
    this.#changed(known ?? { name: null, platform, region, language: navigator.language.split("-")[0] });
  }

  #changed(person) {
    this.show(person);
    this.onChange(person);
  }

  #closesByItself() {
    const close = (focus) => {
      if (!this.element.open) return;
      this.element.open = false;
      if (focus) this.element.firstChild.focus();
    };
    this.element.addEventListener("keydown", (event) => event.key === "Escape" && close(true));
    addEventListener("pointerdown", (event) => this.element.contains(event.target) || close(false));
    this.element.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !this.element.contains(event.relatedTarget)) close(false);
    });
  }
}
