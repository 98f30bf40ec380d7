// Keeps a plot of uPlot: as large as its place, made anew when the colours change, destroyed at the end.

/** place, plot: refs. made: returns a new plot in an element. Returns what ends it. */
export function keepPlot(place, plot, made) {
  const make = () => {
    plot.current?.destroy();
    plot.current = made(place.current);
  };
  make();
  const sizes = new ResizeObserver(() => {
    const { clientWidth: width, clientHeight: height } = place.current ?? {};
    if (width && plot.current && (width !== plot.current.width || height !== plot.current.height)) plot.current.setSize({ width, height });
  });
  sizes.observe(place.current);
  const scheme = window.matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", make);
  return () => {
    sizes.disconnect();
    scheme.removeEventListener("change", make);
    plot.current?.destroy();
    plot.current = null;
  };
}
