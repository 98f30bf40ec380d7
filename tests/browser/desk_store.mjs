// A person opens a store of two days ago that no collector uses: the page finds the time of its traces by itself.
import { open } from "./desk.mjs";

export default async (page, { base }) => {
  await open(page, `${base}/traces`);
  return {
    rows: await page.locator(".row-link").count(),
    until: new URL(page.url()).searchParams.get("until"),
    live: await page.locator(".live").count(),
    chip: await page.innerText(".head .chip"),
  };
};
