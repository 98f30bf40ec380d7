// Does in the view of one trace what a person does, and says what was seen. See test_desk_trace.py.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = createRequire(`${process.env.NODE_PATH}/`).resolve("axe-core/axe.min.js");
const ROW = ".row .bar-whole, .row .bar-away";
const texts = (page, selector) => page.$$eval(selector, (all) => all.map((each) => each.textContent.trim()));
const titles = (page) => texts(page, ".row-title");
const settled = (page) => page.waitForFunction(() => !document.querySelector(".waterfall.is-loading, .row.is-blank"));

async function open(page, url) {
  await page.goto(url);
  await page.waitForSelector(ROW);
  await settled(page);
}

async function press(page, ...keys) {
  for (const key of keys) await page.keyboard.press(key);
  await page.waitForTimeout(60); // two frames: what a key asks for has been asked
  await settled(page);
}

const rowsOf = (page, number) => page.waitForFunction((wanted) => document.querySelectorAll(".row").length === wanted, number);

/** What axe finds that is at least serious. */
async function axe(page) {
  await page.evaluate(readFileSync(AXE, "utf-8"));
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations.map(({ id, impact, nodes }) => `${id} (${impact}): ${nodes[0].html.slice(0, 200)}`);
}

async function request(page, { desk, request: id }, seen) {
  await open(page, `${desk}/traces/${id}`);
  seen.titles = await titles(page);
  seen.badges = await texts(page, ".row .op");
  seen.services = await texts(page, ".services button");
  seen.way = await texts(page, ".bar-way-name");
  seen.waited = await texts(page, ".waited-list button");
  seen.marks = await page.$$eval(".row .bar-mark", (all) => all.map((each) => each.title));
  seen.paths = (await page.$$(".bar-path")).length;
  seen.logs = await texts(page, ".trace-logs .moments p:first-child");
  await press(page, "c");
  seen.pathsOff = [(await page.$$(".bar-path")).length, new URL(page.url()).searchParams.get("path")];
  await press(page, "c");
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export OTLP" }).click();
  seen.exported = JSON.parse(readFileSync(await (await download).path(), "utf-8"));
}

async function keyboard(page, seen) {
  await press(page, "Home", "ArrowDown", "ArrowDown");
  seen.selected = await texts(page, ".row.is-selected .row-title");
  await press(page, "ArrowLeft");
  await rowsOf(page, 3);
  seen.collapsed = [await titles(page), await texts(page, ".row .chip.is-bad")];
  await press(page, "ArrowRight");
  await rowsOf(page, 4);
  await press(page, "ArrowRight");
  await page.waitForSelector("#row-3.is-selected");
  await press(page, "Enter");
  await page.waitForSelector(".details .failure");
  seen.details = await texts(page, ".details h2");
  seen.failure = await texts(page, ".failure h3, .failure > p");
  seen.moments = await texts(page, ".details .moments > li > div > p");
  seen.unbroken = await page.$$eval(".details .attribute dt", (names) => names.filter((name) => name.innerText.includes(".") && !name.querySelector("wbr")).map((name) => name.innerText));
  await page.fill(".details .part-search", "needle");
  seen.pairs = await texts(page, ".details .attribute dt");
  await page.getByRole("button", { name: "copy needle" }).click();
  await page.getByRole("button", { name: "copied" }).waitFor();
  seen.violations = await axe(page);
  await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" }); // else it measures colours on their way
  seen.violations.push(...await axe(page));
  await page.emulateMedia({ colorScheme: "light" });
  await press(page, "Escape", "+", "+");
  await page.waitForURL((url) => url.searchParams.has("from"));
  seen.zoomed = await texts(page, ".tools .primary");
  await press(page, "0");
  await page.waitForURL((url) => !url.searchParams.has("from"));
  await press(page, "/");
  await page.keyboard.type("IN THE HAY");
  await page.waitForSelector(".row.is-match");
  seen.found = [await texts(page, ".tools-matches"), await texts(page, ".row.is-match .row-title")];
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => !document.querySelector(".row.is-match"));
  await press(page, "?");
  seen.help = await texts(page, "dialog[open] dd");
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => !document.activeElement.closest("dialog")); // it has the focus until it is gone
}

async function links(page, seen) {
  await press(page, "e");
  await page.waitForSelector(".details .links a");
  await page.click(".details .links a");
  await page.waitForFunction(() => document.querySelector("h1")?.textContent.startsWith("batch"));
  await page.waitForSelector(".details .links a");
  seen.batch = [await texts(page, ".details h3"), await texts(page, ".details .links a")];
  await page.click(".details .links a");
  await page.waitForFunction(() => document.querySelector("h1")?.textContent.startsWith("/shop"));
  await page.waitForSelector(".row.is-selected");
  seen.back = await texts(page, ".row.is-selected .row-title");
}

/** Milliseconds from a click on a trace until its last row has been selected by a key. */
async function timed(page, from, path, last) {
  await page.goto(from);
  await page.waitForFunction(() => document.documentElement.dataset.ready !== undefined);
  const began = Date.now();
  await page.evaluate((to) => { history.pushState({}, "", to); dispatchEvent(new PopStateEvent("popstate")); }, path);
  await page.waitForSelector(ROW);
  await page.keyboard.press("End");
  await page.waitForFunction((title) => document.querySelector(".row.is-selected .row-title")?.textContent === title, last);
  return Date.now() - began;
}

async function huge(page, { desk, request, huge: id, failed }, seen) {
  const [small, large] = [[], []];
  for (let turn = 0; turn < 3; turn += 1) {
    small.push(await timed(page, `${desk}/traces`, `/traces/${request}`, "encode"));
    large.push(await timed(page, `${desk}/traces`, `/traces/${id}`, "step 10001"));
  }
  [seen.smallMs, seen.hugeMs] = [Math.min(...small), Math.min(...large)];
  seen.drawn = (await page.$$(".row")).length;
  seen.count = await texts(page, ".tools-count");
  await press(page, "2");
  seen.twoLevels = await page.getAttribute(".rows", "aria-rowcount");
  await press(page, "e");
  await page.waitForFunction(() => document.querySelector(".row.is-selected .row-cross"));
  seen.error = [await titlesOf(page, ".is-selected"), await page.isVisible(".row.is-selected")];
  await open(page, `${desk}/traces/${id}?span=${failed}&only=errors`);
  seen.onlyErrors = await titles(page);
  const box = await (await page.$(".mini")).boundingBox();
  await page.goto(`${desk}/traces/${id}`);
  await page.waitForSelector(ROW);
  await page.mouse.move(box.x + box.width * 0.5, box.y + 10);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.501 + 8, box.y + 10, { steps: 4 });
  await page.mouse.up();
  await page.waitForFunction(() => Number(document.querySelector(".rows").getAttribute("aria-rowcount")) < 500);
  seen.dragged = await texts(page, ".tools-count");
}

const titlesOf = (page, which) => texts(page, `.row${which} .row-title`);

async function late(page, { desk, late: id, send, document }, seen) {
  await page.goto(`${desk}/traces/${id}`);
  await page.waitForSelector(".state-loading");
  await page.waitForTimeout(300); // so that it has been asked for, and was not there
  await fetch(send, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(document) });
  await page.waitForSelector(ROW);
  seen.late = await titles(page);
}

/** A link that is followed the moment the page says that it is ready. */
async function early(page, { desk, request: id }) {
  const other = await page.context().browser().newPage();
  await other.addInitScript((path) => {
    new MutationObserver((_, observer) => {
      if (document.documentElement?.dataset.ready === undefined) return;
      observer.disconnect();
      history.pushState({}, "", path);
      dispatchEvent(new PopStateEvent("popstate"));
    }).observe(document, { attributes: true, subtree: true });
  }, `/traces/${id}`);
  await other.goto(`${desk}/traces`);
  await other.waitForSelector(ROW);
  await other.close();
}

async function hostile(page, { desk, hostile: id }, seen) {
  await open(page, `${desk}/traces/${id}`);
  seen.hostile = await titles(page);
  for (let at = 0; at < seen.hostile.length; at += 1) {
    await page.click(`#row-${at} .row-title`);
    await page.waitForSelector(".details .attribute");
  }
  seen.attacked = await page.evaluate(() => [window.attacked ?? null, document.querySelectorAll("#view img, #view iframe, #view script").length]);
}

async function compare(page, { desk, range }, seen) {
  await page.goto(`${desk}/compare?${range}&left=region:de&right=region:cl&operation=/search`);
  await page.waitForSelector(".paths tbody tr");
  seen.sentence = await texts(page, ".compare-sentence");
  seen.compared = await texts(page, ".paths .path-name");
  seen.compareViolations = await axe(page);
  await page.keyboard.press("x");
  await page.waitForFunction(() => document.querySelector(".compare-sentence")?.textContent.includes(" less than "));
  await page.keyboard.press("o");
  await page.waitForFunction(() => document.querySelector("[aria-label=Order] button:last-child").ariaPressed === "true");
  seen.mostChanged = (await texts(page, ".paths .path-name"))[0];
  seen.compareWidth = await narrow(page);
}

async function narrow(page) {
  await page.setViewportSize({ width: 390, height: 844 });
  return page.evaluate(() => document.scrollingElement.scrollWidth);
}

export default async (page, given) => {
  const seen = {};
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: given.desk });
  await request(page, given, seen);
  await keyboard(page, seen);
  await links(page, seen);
  await huge(page, given, seen);
  await early(page, given);
  await late(page, given, seen);
  await hostile(page, given, seen);
  seen.traceWidth = await narrow(page);
  await page.setViewportSize({ width: 1280, height: 800 });
  await compare(page, given, seen);
  return seen;
};
