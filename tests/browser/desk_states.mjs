// A person waits at an empty page for the first requests, then loses the collector. In: `base` of the page, `otlp` of the
// receiver, two exports. The collector is stopped by whoever answers at `stop`.
import { axe, open, settled } from "./desk.mjs";

const send = async (otlp, body) => {
  const answer = await fetch(`${otlp}/v1/traces`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(await answer.text());
};

/** What a page that follows log records asks once a question has failed. */
async function afterFailure(page, url) {
  let failed = false;
  let next;
  const asked = new Promise((resolve) => (next = resolve));
  await page.route(/\/api\/logs\?.*after=/, (route) => {
    if (failed) next(route.request().url());
    const fails = !failed && route.request().url().includes("wait=");
    failed ||= fails;
    return fails ? route.abort() : route.continue();
  });
  await page.goto(url);
  const found = await asked;
  await page.unrouteAll({ behavior: "ignoreErrors" });
  return found;
}

export default async (page, { base, otlp, first, more, stop }) => {
  await open(page, `${base}/traces`);
  const seen = { empty: await page.innerText("#view"), axe: await axe(page) };
  await send(otlp, first);
  await page.waitForSelector(".row-link", { timeout: 20_000 });
  seen.first = await page.locator(".row-link").count();
  await send(otlp, more); // a live page shows it by itself, and never shows less meanwhile
  const counts = [];
  await page.exposeFunction("counted", (count) => counts.push(count));
  await page.evaluate(() => new MutationObserver(() => window.counted(document.querySelectorAll(".row-link").length)).observe(document.body, { childList: true, subtree: true }));
  await page.waitForFunction((before) => document.querySelectorAll(".row-link").length > before, seen.first, { timeout: 20_000 });
  seen.more = await page.locator(".row-link").count();
  seen.least = Math.min(...counts);
  seen.asked = await afterFailure(page, `${base}/logs`);
  await open(page, `${base}/traces`);
  await page.click(".live"); // stays as it is
  const link = page.url();
  await fetch(stop);
  await page.click("nav a[href^='/summary']");
  await page.waitForSelector(".state-problem");
  seen.away = await page.innerText(".state-problem");
  seen.link = link;
  return seen;
};
