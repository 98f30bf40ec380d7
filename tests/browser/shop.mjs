// What the scripts that use the shop share: to ask and wait for the answer, to read it, to look for what axe finds.
import { readFileSync } from "node:fs";

const AXE = readFileSync(`${process.env.NODE_PATH}/axe-core/axe.min.js`, "utf-8");

/** Go to the shop and wait until it can be used. */
export async function open(page, url, hash = "") {
  await page.goto("about:blank");
  await page.goto(url + hash);
  await page.waitForSelector("form.asking");
}

/** Do something that searches, and wait for what comes of it. */
export async function answered(page, act) {
  const answer = page.waitForResponse((one) => one.url().includes("/api/search"));
  await act();
  await answer;
  await settled(page);
}

/** Wait until no search runs, and what can be seen has its pictures. */
export async function settled(page) {
  await page.waitForFunction(() =>
    !document.querySelector("[aria-busy]") &&
    [...document.images].filter((one) => one.offsetParent && one.loading !== "lazy").every((one) => one.complete));
}

/** Type a query and click. */
export const ask = (page, text) =>
  answered(page, async () => {
    await page.fill("input[type=search]", text);
    await page.click("form.asking [type=submit]");
  });

/** What the page shows of the newest search. */
export const shown = (page) =>
  page.evaluate(() => ({
    title: document.querySelector("#results h1")?.textContent ?? null,
    goods: [...document.querySelectorAll(".good h2")].map((one) => one.textContent),
    notice: document.querySelector(".notice")?.innerText ?? null,
    numbers: [...document.querySelectorAll(".numbers dd")].map((one) => one.textContent),
    timing: document.querySelector(".newest")?.innerText ?? null,
    bar: document.querySelector(".newest .bar")?.getAttribute("aria-label") ?? null,
    trace: document.querySelector("a.trace")?.href ?? null,
    before: [...document.querySelectorAll(".row")].map((one) => one.href ?? one.textContent),
  }));

/** What axe finds, as `[rule, elements]`; nothing where all is well. */
export async function axe(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations.map(({ id, nodes }) => [id, nodes.slice(0, 3).map((node) => node.html.slice(0, 200))]);
}

/** Whether something is wider than the window, or sticks out of the card with the times. */
export const overflows = (page) =>
  page.evaluate(() => {
    const card = document.querySelector(".timing");
    const edge = card ? card.getBoundingClientRect().right + 1 : Infinity;
    const out = [...(card?.querySelectorAll("*") ?? [])].some((one) => one.getBoundingClientRect().right > edge);
    return out || document.documentElement.scrollWidth > window.innerWidth;
  });
