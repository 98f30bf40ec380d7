// A person looks at each view on a screen in the light and on a phone in the dark. `views` are paths by name.
import { axe, open, overflows } from "./desk.mjs";

const SCREENS = [["light", { width: 1440, height: 900 }], ["dark", { width: 390, height: 844 }]];

export default async (page, { base, views, pictures }) => {
  const seen = {};
  for (const [colorScheme, size] of SCREENS) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.setViewportSize(size);
    for (const [name, path] of Object.entries(views)) {
      await open(page, base + path);
      await page.screenshot({ path: `${pictures}/${name}-${colorScheme}.png`, fullPage: true });
      (seen[name] ??= []).push({
        title: await page.innerText("h1"),
        text: await page.innerText("#view"),
        overflows: await overflows(page),
        cut: await page.$$eval("nav a", (links) => links.filter((link) => link.getBoundingClientRect().right > window.innerWidth).map((link) => link.innerText)),
        axe: await axe(page),
      });
    }
  }
  return seen;
};
