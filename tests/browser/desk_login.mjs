// A person logs in: first with a wrong token, then with the right one; the next page needs none.
import { axe, settled } from "./desk.mjs";

export default async (page, { base, token }) => {
  await page.goto(`${base}/traces`);
  await page.waitForSelector("#token");
  await page.setViewportSize({ width: 390, height: 844 });
  const seen = { fits: await page.evaluate(() => [...document.querySelectorAll(".login *")].every((each) => each.getBoundingClientRect().right <= document.querySelector(".login form").getBoundingClientRect().right)), axe: await axe(page), focused: await page.evaluate(() => document.activeElement?.id) };
  await page.keyboard.type("not the right token");
  await page.keyboard.press("Enter");
  seen.wrong = await page.innerText("[role=alert]");
  await page.fill("#token", token);
  await page.keyboard.press("Enter");
  await settled(page);
  seen.rows = await page.locator(".row-link").count();
  seen.readable = await page.evaluate(() => document.cookie);
  const [cookie] = await page.context().cookies();
  seen.cookie = { httpOnly: cookie.httpOnly, sameSite: cookie.sameSite };
  await page.goto(`${base}/performance`);
  await settled(page);
  seen.title = await page.innerText("h1");
  await page.click(".log-out");
  await page.waitForSelector("#token");
  await page.goto(`${base}/performance`);
  await page.waitForSelector("#token");
  seen.left = await page.context().cookies();
  return seen;
};
