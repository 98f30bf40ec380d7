// Loads the styles of a module that is not always needed, before it is drawn.

const loaded = new Map();

/**
 * Load the style sheet beside a module: `await style(import.meta.url)` in `views/trace.js` loads `views/trace.css`.
 * A sheet that cannot be loaded is left out.
 */
export function style(moduleUrl) {
  const url = moduleUrl.replace(/\.js$/, ".css");
  if (!loaded.has(url)) {
    loaded.set(url, new Promise((resolve) => {
      const sheet = Object.assign(document.createElement("link"), { rel: "stylesheet", href: url });
      sheet.onload = sheet.onerror = resolve;
      document.head.append(sheet);
    }));
  }
  return loaded.get(url);
}
