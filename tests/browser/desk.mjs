// What the scripts that use the desk share: to wait until a view has its answers, and to look for what axe finds.
import { readFileSync } from "node:fs";

const AXE = readFileSync(`${process.env.NODE_PATH}/axe-core/axe.min.js`, "utf-8");
const SHOWN = "#view .answered, #view .state:not(.state-loading), #view .logs, #view table";

/** Wait until the view shows answers, and none is under way. */
export async function settled(page) {
  await page.waitForSelector(SHOWN);
  await page.waitForFunction(() => !document.querySelector(".state-loading, .is-loading, [aria-busy=true]"));
}

/** Go to a path and wait for its view. */
export async function open(page, url) {
  await page.goto(url);
  await settled(page);
}

/** What axe finds, as `[rule, elements]`; nothing where all is well. */
export async function axe(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations.map(({ id, nodes }) => [id, nodes.slice(0, 3).map((node) => node.html.slice(0, 160))]);
}

/** Whether something is wider than the window. */
export const overflows = (page) => page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
