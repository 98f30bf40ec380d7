// A person finds the slow cell, opens its summary, sorts, filters, brushes, opens a trace, and opens the link later.
import { open, settled } from "./desk.mjs";

const query = (page) => Object.fromEntries(new URL(page.url()).searchParams);

export default async (page, { base, path }) => {
  const seen = {};
  await open(page, base + path);
  seen.worst = await page.innerText(".is-worst");
  await page.click(".is-worst a");
  await page.waitForURL("**/summary**");
  await settled(page);
  seen.summary = { title: await page.innerText("h1"), ...query(page) };

  await page.keyboard.press("/"); // the filter, by the keyboard alone
  await page.keyboard.type("dura");
  await page.waitForSelector("[role=option]");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  seen.completed = await page.inputValue("[role=combobox]");
  await page.keyboard.type("fast");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".filter-error");
  seen.wrong = await page.innerText(".filter-error p");
  seen.unchanged = query(page).filter ?? null;
  await page.fill("[role=combobox]", "duration>100ms");
  await page.keyboard.press("Enter");
  await page.waitForURL("**filter=**");
  await settled(page);
  seen.filter = query(page).filter;
  seen.slow = await page.$$eval(".section-slow tbody tr", (rows) => rows.map((row) => row.innerText));

  await page.click(".live"); // stays as it is
  await settled(page);
  const chart = page.locator(".chart-place").first(); // a range, by the keyboard alone
  await chart.focus();
  const before = query(page);
  for (const key of ["Home", "ArrowRight", "ArrowRight"]) await page.keyboard.press(key);
  seen.spoken = await page.locator(".chart [role=status]").first().innerText();
  seen.table = await page.locator(".chart table").first().evaluate((table) => table.rows.length);
  for (let step = 0; step < 20; step += 1) await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("Enter");
  await page.waitForFunction((since) => new URL(location.href).searchParams.get("since") !== since, before.since);
  await settled(page);
  seen.brushed = [before.since, query(page).since, query(page).until, before.until];
  await page.goBack();
  await settled(page);
  seen.back = query(page).since === before.since;

  await page.keyboard.press("g");
  await page.keyboard.press("t");
  await page.waitForURL("**/traces?**");
  await settled(page);
  await page.locator(".row-link").first().focus();
  await page.keyboard.press("ArrowDown");
  seen.second = await page.evaluate(() => [...document.querySelectorAll(".row-link")].indexOf(document.activeElement));
  await page.keyboard.press("Enter");
  await page.waitForURL("**/traces/*");
  seen.trace = new URL(page.url()).pathname;
  await open(page, `${base}/performance?scope=inner`); // what runs inside leads to the requests that have it
  const stage = page.locator(".row-link", { hasText: "qdrant_search" });
  await stage.click();
  await page.waitForURL("**/summary?**");
  await settled(page);
  seen.stage = { filter: query(page).filter, rows: await page.locator(".section-slow tbody tr").count() };
  await page.keyboard.press("?");
  seen.help = await page.innerText("dialog[open] dl");
  return seen;
};
