// The part of a trace's time that is seen. In: nanoseconds from the trace's start. Out: places in percent. State: none.

const LEAST_NS = 1_000;

/** The part from `from` to `to` of a trace of `total` nanoseconds; without these, all of it. */
export function scaleOf(total, from, to) {
  const whole = Math.max(1, total);
  const [start, end] = Number.isFinite(from) && Number.isFinite(to) && to > from ? [from, to] : [0, whole];
  return { from: start, to: end, total: whole, zoomed: start > 0 || end < whole };
}

/** Where an interval is: `{ left, width }` in percent of what is seen, cut to it; null if it is outside. */
export function placed(scale, offset, duration) {
  const length = scale.to - scale.from;
  const start = Math.max(offset, scale.from);
  const end = Math.min(offset + duration, scale.to);
  if (end < scale.from || start > scale.to) return null;
  return { left: (100 * (start - scale.from)) / length, width: (100 * Math.max(0, end - start)) / length };
}

/** Zoom by a factor around a moment; below 1 shows less. */
export function zoomed(scale, factor, around = (scale.from + scale.to) / 2) {
  const length = Math.max(LEAST_NS, (scale.to - scale.from) * factor);
  const from = around - ((around - scale.from) / (scale.to - scale.from)) * length;
  return within(scale.total, from, from + length);
}

/** Move on by a share of what is seen. */
export function moved(scale, share) {
  const step = (scale.to - scale.from) * share;
  return within(scale.total, scale.from + step, scale.to + step);
}

/** `[from, to]` inside the trace, as long as it was if it can be; null: the whole trace. */
export function within(total, from, to) {
  const length = Math.max(LEAST_NS, to - from);
  if (length >= total * 0.999) return null;
  const start = Math.min(Math.max(0, from), total - length);
  return [Math.round(start), Math.round(start + length)];
}

/** Round moments for a scale, at most `most` of them: `[{ at, share }]`, nanoseconds and percent. */
export function ticks(scale, most) {
  const length = scale.to - scale.from;
  const rough = length / Math.max(1, most);
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * size).find((each) => each >= rough);
  const found = [];
  for (let at = Math.ceil(scale.from / step) * step; at <= scale.to; at += step) found.push({ at, share: (100 * (at - scale.from)) / length });
  return found;
}
