// A person opens odd addresses, and views of which a part gets an answer that it cannot draw; then uses the keyboard alone.
import { open, overflows, settled } from "./desk.mjs";

const NAMES = ["transit", "_other", "server", "endpoint", "encode", "inference", "txt_minibatch_encoding", "img_minibatch_encoding", "qdrant_search", "qdrant_index", "preprocess"];

export default async (page, { base }) => {
  const seen = {};
  await page.route("**/api/traces?*", async (route) => {
    const answer = await (await route.fetch()).json();
    answer.traces.forEach((row, index) => { row.stages = index % 2 ? null : []; });
    return route.fulfill({ json: answer });
  });
  await open(page, `${base}/traces`);
  seen.traces = { rows: await page.locator(".row-link").count(), plain: await page.$$eval(".stage-fill", (bars) => bars.every((bar) => bar.children.length === 1 && bar.getBoundingClientRect().width > 1)) };
  await page.unroute("**/api/traces?*");

  await page.route("**/api/suspects?*", (route) => route.fulfill({ json: { problem: { kind: "slow" } } }));
  await open(page, `${base}/summary`);
  seen.broken = {
    parts: await page.locator("text=This part cannot be drawn").count(), rows: await page.locator(".section-slow .row-link").count(),
    charts: (await page.locator("canvas").count()) > 0, title: await page.innerText("h1"),
  };
  await page.unroute("**/api/suspects?*");

  const colours = await page.evaluate(async (names) => {
    const { colourOf } = await import(document.querySelector("script[type=module]").src.replace("main.js", "lib/stages.js"));
    const probe = document.body.appendChild(document.createElement("i"));
    const found = names.map((name) => { probe.style.background = colourOf(name); return getComputedStyle(probe).background; });
    probe.remove();
    return found;
  }, NAMES);
  seen.colours = new Set(colours).size;
  seen.names = NAMES.length;

  const answer = await page.goto(`${base}/nonsense`);
  await settled(page);
  seen.status = answer.status();
  seen.unknown = await page.innerText("#view");
  await open(page, `${base}/performance?since=banana`);
  seen.banana = await page.innerText(".head [role=alert]");

  await open(page, `${base}/traces`);
  await page.click(".live"); // stays as it is
  await settled(page);
  await page.waitForSelector(".row-link");
  await page.evaluate(() => document.activeElement.blur());
  const at = () => page.evaluate(() => [...document.querySelectorAll(".row-link")].indexOf(document.activeElement));
  seen.rows = [];
  for (const key of ["ArrowDown", "ArrowDown", "ArrowUp"]) {
    await page.keyboard.press(key);
    seen.rows.push(await at());
  }
  await open(page, `${base}/performance`);
  await page.waitForSelector(".chart-place canvas");
  await page.waitForSelector(".row-link");
  await page.keyboard.press("?");
  seen.help = await page.$$eval("dialog[open] dd", (all) => all.map((each) => each.innerText));
  await page.keyboard.press("Enter");
  await page.keyboard.press("g");
  await page.keyboard.press("d");
  await page.waitForURL("**/dashboard/**");
  seen.went = new URL(page.url()).pathname;

  await open(page, `${base}/logs`);
  await page.waitForSelector(".log-level");
  seen.log = {
    overflows: await overflows(page),
    off: await page.locator(".choice select:disabled").count(),
    example: await page.getAttribute("[role=combobox]", "placeholder"),
    bodies: await page.$$eval(".log-body", (bodies) => bodies.map((body) => body.innerText)),
    ahead: await page.$$eval(".log-line:has(.is-ahead) .log-body", (bodies) => bodies.map((body) => body.innerText)),
    over: await page.$$eval(".log-line", (lines) => lines.filter((line) => line.querySelector(".log-level").getBoundingClientRect().right > line.querySelector(".log-service").getBoundingClientRect().left).length),
  };
  await open(page, `${base}/logs?service=watchman`);
  await page.waitForSelector(".state-empty");
  seen.old = await page.innerText(".state-empty");
  return seen;
};
