// A person looks at boards while queries are awaited, while a board refreshes, and where there is nothing to see.
// The answers are made here: each query has values of its own, and all of them have one series.
const PANEL = '[data-testid="panel"]';
const LABELS = { job: "shop/gateway", client_platform: "ios", client_region: "cl", le: "1", search_stage: "rank" };

export default async (page, { address, dark }) => {
  page.setDefaultTimeout(60_000); // a busy machine
  await page.emulateMedia({ colorScheme: dark ? "dark" : "light" });
  await page.setViewportSize({ width: 1440, height: 1600 });
  const answers = await answering(page);
  const seen = {};

  answers.hold = (query) => query.includes("scalar(quantile");
  await page.goto(`${address}/d/search-overview?refresh=0s`);
  await page.waitForSelector("tbody tr");
  seen.head = await page.$$eval("thead th", (cells) => cells.map((cell) => cell.innerText.trim()));
  seen.partial = await row(page);
  await answers.release();
  await page.waitForSelector(`${PANEL}:has(table) [data-series]`, { state: "attached" });
  seen.whole = await row(page);

  await page.waitForSelector(".MuiSkeleton-root", { state: "detached" });
  await page.evaluate(() => {
    window.blanks = 0;
    const count = () => (window.blanks += document.querySelectorAll(".MuiSkeleton-root").length);
    new MutationObserver(count).observe(document.body, { childList: true, subtree: true });
  });
  await page.click("tbody [aria-label=links]");
  answers.hold = () => true;
  const asked = answers.asked("scalar(quantile");
  await page.$eval("[aria-label=Refresh]", (button) => button.click()); // as the clock does: the menu covers it
  await asked;
  seen.refreshing = await row(page);
  answers.shift = 1;
  await answers.release();
  const changed = (before) => {
    const cells = [...document.querySelectorAll("tbody tr:first-child td")].map((cell) => cell.innerText.trim());
    return cells.join() !== before.join();
  };
  await page.waitForFunction(changed, seen.whole);
  seen.blanks = await page.evaluate(() => window.blanks);
  seen.menu = await page.isVisible("[role=menu]");

  await page.goto(`${address}/d/search-telemetry?start=35m&refresh=0s`);
  await page.setViewportSize({ width: 1440, height: 6000 }); // panels outside of it ask nothing
  const scraped = page.locator(`${PANEL}:has-text("What is scraped?")`);
  await scraped.locator("[data-series]").waitFor({ state: "attached" });
  await page.waitForTimeout(700); // the end of drawing, which no event tells
  seen.filled = await scraped.locator("canvas").first().evaluate(filled);

  answers.empty = true;
  await page.goto(`${address}/d/search-stage?refresh=0s`);
  const panel = page.locator(`${PANEL}:has-text("How many documents in a request?")`);
  await panel.locator("[data-series]").waitFor({ state: "attached" });
  seen.empty = (await panel.innerText()).split("\n").map((line) => line.trim()).filter(Boolean);
  return seen;
};

const row = (page) => page.$$eval("tbody tr:first-child td", (cells) => cells.map((cell) => cell.innerText.trim()));

// The share of a canvas's columns with the colour of "up", from where the first one is.
function filled(canvas) {
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  const green = (x, y) => [45, 161, 96].every((value, part) => data[4 * (y * width + x) + part] === value);
  const columns = [...Array(width).keys()].map((x) => [...Array(height).keys()].some((y) => green(x, y)));
  const [first, last] = [columns.indexOf(true), columns.lastIndexOf(true)];
  return first < 0 ? 0 : columns.slice(first, last + 1).filter(Boolean).length / (width * 0.7);
}

// Answers the page's queries; holds back those that `hold` names until `release`.
async function answering(page) {
  const state = { hold: () => false, shift: 0, empty: false, waiting: [], watching: [] };
  const done = (route, data) => route.fulfill({ json: { status: "success", data } });
  state.release = async () => {
    state.hold = () => false;
    await Promise.all(state.waiting.splice(0).map((answer) => answer()));
  };
  state.asked = (part) => new Promise((resolve) => state.watching.push({ part, resolve }));
  await page.route("**/prometheus/api/v1/**", (route) => {
    const request = route.request();
    const url = new URL(request.url());
    const form = new URLSearchParams(request.postData() ?? url.search);
    const query = form.get("query") ?? "";
    const answer = () => done(route, url.pathname.includes("/query") ? made(query, form, state) : named(url.pathname));
    for (const { part, resolve } of state.watching) if (query.includes(part)) resolve();
    if (query && state.hold(query)) state.waiting.push(answer);
    else void answer();
  });
  return state;
}

function named(path) {
  return path.includes("/label/") ? ["shop/gateway"] : [LABELS];
}

function made(query, form, { shift, empty }) {
  const range = form.has("step");
  if (empty) return { resultType: range ? "matrix" : "vector", result: [] };
  const value = query.includes("(up)") ? 1 : 100 + ([...query].reduce((sum, sign) => (sum * 31 + sign.charCodeAt(0)) % 809, 7) + shift);
  if (!range) return { resultType: "vector", result: [{ metric: LABELS, value: [Number(form.get("time")), String(value)] }] };
  const [start, end, step] = ["start", "end", "step"].map((name) => Number.parseFloat(form.get(name)));
  const values = Array.from({ length: Math.floor((end - start) / step) + 1 }, (_, at) => [start + at * step, String(value)]);
  return { resultType: "matrix", result: [{ metric: LABELS, values }] };
}
