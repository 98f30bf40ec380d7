// A person reads the boards: all five on a screen, one on a phone in the dark, and follows a row to its traces.
import { axe, open, overflows, settled } from "./desk.mjs";

export default async (page, { base, uids, range, pictures }) => {
  const boards = {};
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.setViewportSize({ width: 1440, height: 900 });
  for (const uid of uids) boards[uid] = await read(page, `${base}/dashboard/${uid}?${range}`, `${pictures}/${uid}-light.png`, ["search-overview", "search-encoder"].includes(uid));

  await page.emulateMedia({ colorScheme: "dark" });
  await page.setViewportSize({ width: 390, height: 844 });
  const phone = await read(page, `${base}/dashboard/${uids[0]}?${range}`, `${pictures}/${uids[0]}-dark.png`, true);

  await page.setViewportSize({ width: 1440, height: 900 });
  await open(page, `${base}/dashboard/${uids[0]}?${range}&region=cl&var-operation=*`);
  const affected = page.locator(".panel", { has: page.locator("h3", { hasText: "Who is affected?" }) });
  await affected.scrollIntoViewIfNeeded();
  await affected.locator("tbody tr").first().waitFor();
  const regions = await affected.locator("tbody tr td:nth-child(2)").allInnerTexts();
  await affected.getByRole("button", { name: "What is this?" }).click();
  const about = await affected.locator(".panel-text").innerText();
  await affected.locator("tbody tr .menu-button").first().focus();
  await page.keyboard.press("Enter");
  const links = await affected.locator(".menu-list a").allInnerTexts();
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/traces\?/);
  return { boards, phone, regions, about, links, followed: Object.fromEntries(new URL(page.url()).searchParams) };
};

/** Scroll through a board until all its panels are drawn, and return what it shows; `looks` also asks axe. */
async function read(page, url, picture, looks) {
  await open(page, url);
  for (const panel of await page.locator(".panel").all()) {
    await panel.scrollIntoViewIfNeeded();
    await panel.locator(".panel-wait").waitFor({ state: "detached" });
  }
  await settled(page);
  await page.evaluate(() => window.scrollTo(0, 0));
  await page.screenshot({ path: picture, fullPage: true });
  return {
    rows: await page.locator(".board-row > h2").allInnerTexts(),
    panels: await page.locator(".panel h3").allInnerTexts(),
    empty: await page.locator(".panel", { has: page.locator(".panel-none") }).locator("h3").allInnerTexts(),
    exemplars: await page.locator("a.exemplar").count(),
    tables: await page.locator(".panel .unseen table").count(),
    sizes: await page.locator(".panel", { has: page.locator("h3", { hasText: "How large are minibatches?" }) }).locator(".unseen table th").allTextContents(),
    problems: await page.locator(".state-problem").allInnerTexts(),
    overflows: await overflows(page),
    axe: looks ? await axe(page) : null,
  };
}
