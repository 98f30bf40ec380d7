// A person opens the shop's page, types, and clicks; then the page's spans leave, or cannot, and its metrics. A fetch's
// span ends a while after its answer.
export default async (page, { url, query, spans }) => {
  await page.goto(url);
  await page.fill("#query", query);
  await page.click("#search");
  await page.waitForSelector("#found li");
  await page.waitForFunction((names) => {
    const left = [...telemetry.exported, ...telemetry.failed];
    return names.every((name) => left.includes(name));
  }, spans);
  await page.evaluate(() => sendMetrics());
  return page.evaluate(() => ({
    trace: document.body.dataset.trace,
    names: [...document.querySelectorAll("#found li")].map((item) => item.textContent),
    ...telemetry,
  }));
};
