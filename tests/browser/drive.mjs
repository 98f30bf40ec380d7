// Starts Chromium and runs a script with a page. In: JSON on stdin. Out: JSON on stdout.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const { chromium } = createRequire(`${process.env.NODE_PATH}/`)("playwright-core");
const request = JSON.parse(readFileSync(0, "utf-8"));
const run = (await import(pathToFileURL(request.script))).default;

const browser = await chromium.launch({
  executablePath: request.chromium,
  args: ["--no-sandbox", ...request.options], // which root needs; every page is a test's own
});
try {
  const page = await browser.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  const result = await run(page, request.arguments).catch(async (error) => {
    const text = await page.innerText("body").catch(() => "");
    console.error(`At ${page.url()}, which shows:\n${text.slice(0, 1000)}\n${problems.join("\n")}\n`);
    throw error;
  });
  process.stdout.write(JSON.stringify({ result: result ?? null, problems }));
} finally {
  await browser.close();
}
