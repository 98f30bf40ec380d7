// A person reads what is wrong, clicks a suspect and a tag, which filter, and looks at another problem.
import { axe, open, overflows, settled } from "./desk.mjs";

const filter = (page) => new URL(page.url()).searchParams.get("filter");

/** What is asked, and shown as new, of entries that have rows for two kinds of searches. */
async function ofTwoKinds(page, url) {
  const asked = [];
  page.on("request", (request) => request.url().includes("/api/suspects?") && asked.push(request.url()));
  await page.route("**/api/performance?**", async (route) => {
    const response = await route.fetch();
    const answer = await response.json();
    answer.rows.push(...answer.rows.map((row) => ({ ...row, search_operation: "other" })));
    await route.fulfill({ response, json: answer });
  });
  await open(page, url);
  await page.waitForLoadState("networkidle"); // all have their answers
  await page.unrouteAll({ behavior: "ignoreErrors" });
  return { lines: await page.locator(".news li").count(), asked: asked.map((each) => new URL(each).searchParams.get("operation")) };
}

export default async (page, { url, newsUrl, laterUrl, pictures }) => {
  const seen = { looks: [] };
  for (const [width, height, colorScheme] of [[1440, 900, "light"], [390, 844, "dark"]]) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme });
    await open(page, url);
    await page.waitForSelector(".suspects");
    await page.waitForSelector(".tags");
    await page.screenshot({ path: `${pictures}/suspects-${colorScheme}.png`, fullPage: true });
    seen.looks.push({ axe: await axe(page), overflows: await overflows(page) });
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  seen.text = await page.innerText(".section-suspects");
  seen.path = await page.locator(".suspect-name").first().innerText();
  const suspect = page.locator(".suspect[aria-pressed]").first();
  seen.sentence = await suspect.locator(".suspect-sentence").innerText();
  await suspect.focus(); // by the keyboard alone
  await page.keyboard.press("Enter");
  await settled(page);
  seen.filter = filter(page);
  await page.goBack();
  await settled(page);
  seen.back = filter(page);

  const tag = page.locator(".tag", { hasText: "client.region" }).locator(".tag-value").first();
  seen.region = await tag.innerText();
  await tag.click();
  await settled(page);
  seen.tagged = filter(page);
  await page.waitForSelector(".tag-value[aria-pressed=true]");
  await page.locator(".tag-value[aria-pressed=true]").first().click();
  await settled(page);
  seen.cleared = filter(page);

  await page.goto(`${url}&problem=empty`);
  await page.waitForSelector(".section-suspects .state-title");
  seen.none = await page.innerText(".section-suspects .state-title");
  Object.assign(seen, await ofTwoKinds(page, newsUrl));
  await open(page, newsUrl);
  const news = page.locator(".news li", { hasText: "/search" });
  seen.news = await news.innerText();
  seen.newsLooks = await axe(page);
  seen.silent = await page.locator("tr", { hasText: "/search" }).locator(".chip", { hasText: "none since" }).count();
  await open(page, laterUrl);
  seen.later = await page.locator("tr", { hasText: "/search" }).locator(".chip", { hasText: "none since" }).innerText();
  await open(page, newsUrl);
  await news.getByRole("link").click();
  await page.waitForSelector(".section-suspects");
  seen.followed = new URL(page.url()).searchParams.get("operation");
  seen.attacked = await page.evaluate(() => window.attacked ?? null);
  return seen;
};
