// Bundles the page. In: the folder of npm's packages, the folder to write. Out: index.html, assets/page.js and .css.
import { copyFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const [modules, out] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));
const { build } = createRequire(`${modules}/`)("esbuild");
const query = join(modules, "@tanstack");

await build({
  entryPoints: { page: join(here, "src/main.tsx") },
  outdir: join(out, "assets"),
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  jsx: "automatic",
  nodePaths: [modules],
  mainFields: ["browser", "module", "main"], // else two copies of each React context
  loader: { ".woff": "dataurl", ".woff2": "dataurl", ".ttf": "dataurl" },
  define: { "process.env.NODE_ENV": '"production"', global: "window" },
  alias: {
    "@tanstack/react-query": join(query, "react-query/build/lib/index.mjs"),
    "@tanstack/query-core": join(query, "query-core/build/lib/index.mjs"),
  },
  legalComments: "linked",
  logLevel: "warning",
});
mkdirSync(out, { recursive: true });
copyFileSync(join(here, "index.html"), join(out, "index.html"));
