// A person opens every view of a store that is full of hostile text. Gives what ran of it, and what was shown of it.
import { open } from "./desk.mjs";

export default async (page, { base, views }) => {
  const dialogs = [];
  const elsewhere = [];
  page.on("dialog", (dialog) => { dialogs.push(dialog.message()); return dialog.dismiss(); });
  page.on("request", (request) => { if (!request.url().startsWith(base)) elsewhere.push(request.url()); });
  const shown = {};
  for (const [name, path] of Object.entries(views)) {
    await open(page, base + path);
    for (const [selector, most] of [[".log-line", 3], ["#view button[aria-expanded=false]", 4]]) {
      for (const element of (await page.locator(selector).all()).slice(0, most)) await element.click({ timeout: 2000 }).catch(() => {});
    }
    shown[name] = {
      text: await page.evaluate(() => document.body.innerText),
      odd: await page.evaluate(() => document.querySelectorAll("#desk script, #desk iframe, #desk [onerror], #desk [onload], #desk style, #desk a[href^='javascript:']").length),
      hurt: await page.evaluate(() => window.hurt ?? null),
    };
  }
  return { shown, dialogs, elsewhere };
};
