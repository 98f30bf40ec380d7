// A shop without a collector, without a desk, and then without a gateway. `gate`: a file that says that it has gone.
import { existsSync } from "node:fs";
import { ask, open, shown } from "./shop.mjs";

export default async (page, { url, ready, gone }) => {
  const headers = [];
  page.on("request", (one) => one.url().includes("/api/search") && headers.push(one.headers()));
  await open(page, url);
  await ask(page, "guitarra");
  const alone = { ...(await shown(page)), desk: await page.locator("#bottom a").count() };
  const { writeFileSync } = await import("node:fs");
  writeFileSync(ready, "");
  while (!existsSync(gone)) await page.waitForTimeout(50);
  await page.fill("input[type=search]", "coat");
  await page.click("form.asking [type=submit]");
  await page.waitForSelector(".notice.bad");
  return { alone, closed: await shown(page), headers };
};
