// A person looks at the shop, on a screen and on a phone, in the light and in the dark, whatever comes of a search.
import { answered, ask, axe, open, overflows, settled, shown } from "./shop.mjs";

const SCREENS = [
  ["screen", "light", { width: 1440, height: 900 }],
  ["screen", "dark", { width: 1440, height: 900 }],
  ["phone", "light", { width: 390, height: 844 }],
  ["phone", "dark", { width: 390, height: 844 }],
];
const DOES = {
  welcome: (page) => page.waitForSelector(".tile img"),
  found: async (page) => {
    await ask(page, "guitarra");
    await ask(page, "Winterjacke");
  },
  long: async (page) => {
    for (const _ of [1, 2]) await ask(page, `Eleganter Midirock ${"x".repeat(400)}`);
    await page.evaluate(() => document.querySelector(".before").setAttribute("open", ""));
  },
  who: (page) => page.click(".who summary"),
  picture: (page, { picture }) => answered(page, () => page.setInputFiles("input[type=file]", picture)),
  nothing: (page) => ask(page, "qzxv wkjq 7193"),
  nearest: async (page) => {
    await ask(page, "qzxv wkjq 7193");
    await answered(page, () => page.click(".notice button.main"));
  },
  error: (page) => ask(page, "explode"),
  file: (page, { file }) => page.setInputFiles("input[type=file]", file),
};

export default async (page, { url, files }) => {
  const seen = {};
  for (const [screen, colorScheme, size] of files.all ? SCREENS : [SCREENS[0], SCREENS[3]]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.setViewportSize(size);
    for (const [name, act] of Object.entries(DOES)) {
      await open(page, url);
      await act(page, files);
      await settled(page);
      await page.screenshot({ path: `${files.pictures}/shop-${name}-${screen}-${colorScheme}.png` });
      (seen[name] ??= []).push({ ...(await shown(page)), axe: await axe(page), overflows: await overflows(page) });
    }
  }
  return seen;
};
