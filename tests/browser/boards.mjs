// Opens boards as a person does, waits until every panel has its answer, and gives back what each panel shows.
const PANEL = '[data-testid="panel"]';
const TALL = 6000; // all of a board is in view: panels outside of it ask nothing

export default async (page, { visits }) => {
  const seen = [];
  for (const visit of visits) seen.push(await look(page, visit));
  return seen;
};

async function look(page, { url, width, dark, panels, picture, clip }) {
  await page.emulateMedia({ colorScheme: dark ? "dark" : "light" });
  await page.setViewportSize({ width, height: TALL });
  await page.goto(url);
  await answered(page, url, panels);
  await page.evaluate(() => document.fonts.ready);
  const answer = await page.evaluate(shown, PANEL);
  if (picture) {
    const height = await page.evaluate(() => Math.ceil(document.querySelector("main").getBoundingClientRect().bottom));
    await page.setViewportSize({ width, height });
    await page.waitForTimeout(700); // the end of fades, which no event tells
    const options = clip ? { clip: await area(page, clip, width) } : {};
    await page.screenshot({ path: picture, ...options });
  }
  return answer;
}

// Waits for all panels; says which have no answer. A busy machine needs minutes for what an idle one does in seconds.
async function answered(page, url, count) {
  const ask = ([panel, wanted]) => {
    const shown = [...document.querySelectorAll(panel)];
    const left = shown.filter((each) => !each.querySelector("[data-series], [role=alert]"));
    window.left = left.map((each) => each.innerText.trim());
    return shown.length === wanted && left.length === 0;
  };
  try {
    await page.waitForFunction(ask, [PANEL, count], { timeout: 300_000 });
  } catch (error) {
    const left = await page.evaluate(() => window.left);
    throw new Error(`${url}: ${count} panels are expected, and have no answer: ${left}`, { cause: error });
  }
}

// The part of the page from its top, or from a panel's row, to the end of another.
async function area(page, { from, to }, width) {
  return page.evaluate(
    ([panel, first, last, wide]) => {
      const box = (title) =>
        [...document.querySelectorAll(panel)].find((each) => each.innerText.startsWith(title)).getBoundingClientRect();
      const top = first ? box(first).top - 12 : 0;
      return { x: 0, y: top, width: wide, height: box(last).bottom + 12 - top };
    },
    [PANEL, from, to, width],
  );
}

function shown(panel) {
  return [...document.querySelectorAll(panel)].map((each) => ({
    title: each.querySelector("header")?.innerText.trim() ?? "",
    error: each.querySelector("[role=alert]")?.innerText ?? "",
    series: (each.querySelector("[data-series]")?.dataset.series ?? "").split(" ").filter(Boolean).map(Number),
    blank: [...each.querySelectorAll("canvas")].some((canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return data.every((value) => value === data[0]);
    }),
  }));
}
