// Goods with hostile names are shown, and asked for, as the text that they are.
import { answered, open, shown } from "./shop.mjs";

export default async (page, { url, picture }) => {
  await open(page, url);
  await answered(page, () => page.setInputFiles("input[type=file]", picture));
  const seen = await shown(page);
  const made = await page.evaluate(() => ({
    ran: window.ran ?? null,
    elements: document.querySelectorAll("#results script, #results iframe, #results [onerror], #results a").length,
  }));
  return { ...seen, ...made };
};
