// Lets a few questions be asked at a time, those of the upper panels first: a browser keeps six connections, and would take
// them in any order. In: functions that ask. Out: their promises. State: what waits.
const AT_ONCE = 4;
const waiting = [];
let asking = 0;

/** Call `asks` when it is its turn: the lowest `order` first. A signal that aborts takes it out. */
export function inTurn(order, signal, asks) {
  return new Promise((resolve, reject) => {
    const turn = { order, start: () => asks().then(resolve, reject).finally(done) };
    signal.addEventListener("abort", () => {
      const place = waiting.indexOf(turn);
      if (place >= 0) waiting.splice(place, 1);
      reject(new DOMException("aborted", "AbortError"));
    });
    waiting.push(turn);
    queueMicrotask(next);
  });
}

function done() {
  asking -= 1;
  next();
}

function next() {
  while (asking < AT_ONCE && waiting.length > 0) {
    const first = waiting.reduce((best, each) => (each.order < best.order ? each : best));
    waiting.splice(waiting.indexOf(first), 1);
    asking += 1;
    first.start();
  }
}
