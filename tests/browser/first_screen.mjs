// Opens a board as a link of an alert does, and takes a picture of what is seen at first.
export default async (page, { url, width, height, dark, picture }) => {
  await page.emulateMedia({ colorScheme: dark ? "dark" : "light" });
  await page.setViewportSize({ width, height });
  await page.goto(url);
  await page.waitForFunction(
    (bottom) => {
      const seen = [...document.querySelectorAll('[data-testid="panel"]')].filter(
        (panel) => panel.getBoundingClientRect().top < bottom,
      );
      return seen.length > 0 && seen.every((panel) => panel.querySelector("[data-series], [role=alert]"));
    },
    height,
    { timeout: 60_000 },
  );
  await page.evaluate(() => document.fonts.ready);
  await page.waitForTimeout(700); // the end of fades, which no event tells
  await page.screenshot({ path: picture });
};
