// Makes one ES module of what `opentelemetry.js` names, and the list of whose work is in it, with their licences.
//   node build.mjs node_modules ../static/vendor
// In: the folder of the packages, that of the result. Out: `opentelemetry.js`, `LICENCES.txt`. The same packages make
// the same bytes.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const [modules, into] = process.argv.slice(2).map((path) => resolve(path));
const here = dirname(fileURLToPath(import.meta.url));
const { build } = createRequire(join(modules, "_"))("esbuild");

const made = await build({
  entryPoints: [join(here, "opentelemetry.js")],
  outfile: join(into, "opentelemetry.js"),
  nodePaths: [modules],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "none", // they stand in LICENCES.txt, whole
  banner: { js: "// OpenTelemetry for browsers, bundled: see LICENCES.txt beside this file, and ../../vendoring." },
  metafile: true,
});

const used = new Set();
for (const input of Object.keys(made.metafile.outputs[Object.keys(made.metafile.outputs)[0]].inputs)) {
  const name = input.split("node_modules/").at(-1).match(/^(@[^/]+\/[^/]+|[^/]+)\//)?.[1];
  if (input.includes("node_modules/") && name) used.add(join(input.slice(0, input.lastIndexOf(name)), name));
}
const parts = [...used].map((folder) => {
  const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf-8"));
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  const text = file ? readFileSync(join(folder, file), "utf-8").trim() : `Licence: ${about.license}`;
  return { title: `${about.name} ${about.version} (${about.license})`, text };
});
const texts = new Map();
for (const { title, text } of parts.sort((a, b) => (a.title < b.title ? -1 : 1))) {
  texts.set(text, [...(texts.get(text) ?? []), title]);
}
const rule = "\n\n" + "-".repeat(80) + "\n\n";
const licences = [...texts].map(([text, titles]) => `${titles.join("\n")}\n\n${text}`).join(rule);
writeFileSync(join(into, "LICENCES.txt"), `opentelemetry.js is made of these packages.${rule}${licences}\n`);
