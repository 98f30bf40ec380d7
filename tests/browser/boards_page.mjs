// A person opens a board by a link as Grafana's, switches its colours, opens it again, and goes to the next board.
export default async (page, { url, dark }) => {
  await page.emulateMedia({ colorScheme: dark ? "dark" : "light" });
  await page.goto(url);
  const alert = await page.waitForSelector("nav [role=alert]");
  const problem = await alert.innerText();
  const light = () => page.evaluate(() => {
    const [red, green, blue] = getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number);
    return red + green + blue > 384;
  });
  const seen = [await light()];
  await page.click("nav button");
  seen.push(await light());
  await page.reload();
  await page.waitForSelector("nav button");
  seen.push(await light());
  await page.waitForSelector("h1");
  const title = await page.innerText("h1");
  const search = new URL(page.url()).search;
  const boards = await page.$$eval("nav a", (links) => links.map((link) => link.innerText));
  await page.click("nav a >> nth=0");
  await page.waitForFunction((before) => document.querySelector("h1")?.innerText !== before, title);
  return { problem, light: seen, title, search, boards, next: page.url() };
};
