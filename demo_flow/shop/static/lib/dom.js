// Makes elements. In: a tag, properties, children. Out: an element. Text becomes text nodes, never HTML: what a shop is
// called by others cannot do anything in its page.

const SVG = "http://www.w3.org/2000/svg";

/** Return an element. A property that is a function listens, `class` and `aria-…` are attributes, null is left out. */
export function h(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") made.addEventListener(name, value);
    else if (name in made && name !== "list" && !name.includes("-")) made[name] = value;
    else made.setAttribute(name === "class" ? "class" : name, value === true ? "" : value);
  }
  made.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Return a drawing of lines, which says nothing to a screen reader: its label stands beside it. */
export function mark(...paths) {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("viewBox", "0 0 24 24");
  made.setAttribute("aria-hidden", "true");
  made.classList.add("mark");
  for (const d of paths) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    made.append(path);
  }
  return made;
}

export const CAMERA = ["M4 8h3l2-3h6l2 3h3v11H4z", "M12 16.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z"];
export const GLASS = ["M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14z", "M16.5 16.5 21 21"];
export const PICTURE = ["M4 5h16v14H4z", "M4 16l4.5-4.5 4 4 3-3L20 17", "M15.5 9.5h.01"];
export const DOWN = ["M6 9.5l6 6 6-6"];
export const OUT = ["M14 5h5v5", "M19 5l-8 8", "M17 14v5H5V7h5"];
