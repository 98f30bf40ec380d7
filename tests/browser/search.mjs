// A person opens the shop's page, types, and clicks; then the page's spans leave, or cannot.
export default async (page, { url, query }) => {
  await page.goto(url);
  await page.fill("#query", query);
  await page.click("#search");
  await page.waitForSelector("#found li");
  await page.waitForFunction(() => [...telemetry.exported, ...telemetry.failed].includes("click"));
  return page.evaluate(() => ({
    trace: document.body.dataset.trace,
    names: [...document.querySelectorAll("#found li")].map((item) => item.textContent),
    ...telemetry,
  }));
};
