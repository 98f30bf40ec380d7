// A person opens a link an hour later, with a clock that says so; then lets the page follow the time.
import { settled } from "./desk.mjs";

export default async (page, { link }) => {
  await page.clock.install({ time: Date.now() + 3_600_000 });
  await page.goto(link);
  await settled(page);
  const range = () => Object.fromEntries(new URL(page.url()).searchParams);
  const opened = { rows: await page.locator("#view tbody tr").count(), range: range(), picker: await page.innerText(".range-button") };
  await page.clock.runFor(20_000);
  const kept = range();
  await page.click(".live");
  await settled(page);
  const live = range();
  await page.clock.runFor(11_000);
  await settled(page);
  return { opened, kept, live, moved: range(), pressed: await page.getAttribute(".live", "aria-pressed") };
};
