// Bob in Chile searches by keyboard alone, then as Alice; and opens the link that somebody has sent.
import { answered, open, settled, shown } from "./shop.mjs";

export default async (page, { url, query }) => {
  const calls = [];
  page.on("request", (one) => one.url().includes("/api/search") && calls.push(one.headers().baggage ?? ""));
  await open(page, url);
  await page.keyboard.press("/");
  await page.keyboard.press("Tab"); // by a picture
  await page.keyboard.press("Tab"); // search
  await page.keyboard.press("Tab"); // who asks
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Escape");
  const who = await page.evaluate(() => [
    document.activeElement.innerText.replaceAll("\n", " "),
    document.querySelector(".who").open,
  ]);
  await page.keyboard.press("/");
  await page.keyboard.type(query);
  await answered(page, () => page.keyboard.press("Enter"));
  const bob = await shown(page);
  const address = page.url();
  await page.click(".who summary");
  await answered(page, () => page.click(".choice >> nth=0"));
  const alice = await shown(page);
  await page.selectOption(".languages select", "ja");
  const japanese = (await shown(page)).goods;
  await answered(page, () => page.goBack());
  const back = await page.inputValue("input[type=search]");
  await answered(page, () => open(page, address));
  await settled(page);
  const desk = await page.getAttribute("#bottom a", "href");
  return { desk, who, bob, alice, japanese, back, sent: await shown(page), address, calls };
};
