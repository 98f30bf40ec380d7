// Pictures come by a button, a drop and a paste; files that are none are not sent.
import { answered, ask, open, shown } from "./shop.mjs";

const handed = (page, type, name, kind, bytes) =>
  page.evaluate(([event, title, media, content]) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(content)], title, { type: media }));
    const made = event === "drop" ? new DragEvent(event, { dataTransfer: data, bubbles: true, cancelable: true })
      : new ClipboardEvent(event, { clipboardData: data, bubbles: true, cancelable: true });
    document.body.dispatchEvent(made);
  }, [type, name, kind, bytes]);

export default async (page, { url, picture, bytes, most }) => {
  let sent = 0;
  page.on("request", (one) => (sent += one.url().includes("/api/search") ? 1 : 0));
  await open(page, url);
  const found = [];
  await answered(page, () => page.setInputFiles("input[type=file]", picture));
  found.push(await shown(page));
  for (const way of ["drop", "paste"]) {
    await answered(page, () => handed(page, way, "photo.webp", "image/webp", bytes));
    found.push(await shown(page));
  }
  const before = sent;
  const refused = [];
  const none = [["notes.pdf", "application/pdf", [1]], ["IMG_1.HEIC", "", [1]], ["no.png", "image/png", []]];
  for (const [name, kind, content] of none) {
    await handed(page, "drop", name, kind, content);
    refused.push((await shown(page)).notice);
  }
  await page.evaluate((size) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(size)], "large.png", { type: "image/png" }));
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
  }, most + 1);
  refused.push((await shown(page)).notice);
  const unsent = sent === before;
  await answered(page, () => handed(page, "drop", "fake.png", "image/png", [1, 2, 3])); // that only the encoder can tell
  refused.push((await shown(page)).notice);
  await ask(page, "coat");
  await answered(page, () => page.click(".like >> nth=0"));
  return { found, refused, unsent, like: await shown(page), address: page.url() };
};
