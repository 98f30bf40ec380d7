"""Plays every incident and shows which signals moved: `python -m benchmarks.incidents`.

In: how long each lasts. Out: the table of `docs/incidents.md`, as Markdown: what moved, from which value to which, and
which unrelated signal left its noise. State: a temporary folder and the processes, all gone at the end.

Before each incident there is a baseline of the same length. A signal's noise is what all baselines show: their mean,
four standard deviations to each side, or their smallest and largest value where those are further.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmarks import incident_options as options
from benchmarks.incident_recording import Recording, play, recording
from benchmarks.incident_signals import FOLLOWS, MOVES, SIGNALS, Values
from demo_flow.incidents.table import INCIDENTS

GOODS = 500
DEVIATIONS = 4.0


@dataclass(frozen=True, slots=True)
class Noise:
    """The values that a signal has without an incident."""

    low: float
    middle: float
    high: float

    def side(self, value: float) -> int:
        """Return 1 where a value is above the noise, -1 below, 0 within."""
        return (value > self.high) - (value < self.low)


def main() -> int:
    """Record, and print the table; exit status 1 where an incident did not move what it should."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.incidents", description=(__doc__ or "").split("\n")[0])
    options.add(parser, names="all", seconds=15.0, index_rate=1.5)
    arguments = parser.parse_args()
    console = Console(stderr=True)
    names = arguments.names or list(INCIDENTS)
    with tempfile.TemporaryDirectory(prefix="bench-incidents-") as folder:
        console.print("Pamazon opens")
        rates = {"rate": arguments.rate, "index_rate": arguments.index_rate}
        with recording(Path(folder), goods=GOODS, **rates) as recorded:
            time.sleep(arguments.seconds)
            for name in names:
                console.print(name)
                play(recorded, None, arguments.seconds, before=1.5, after=0.0)
                play(recorded, name, arguments.seconds, before=1.5, after=3.0)
            play(recorded, None, arguments.seconds, before=1.5, after=8.0)
            table = Table(recorded)
    print(f"{options.described(arguments)}\n")
    print("\n".join(table.lines(names)))
    missing = [name for name in names if table.missing(name)]
    for name in missing:
        console.print(f"{name} did not move {', '.join(table.missing(name))}", style="red")
    return 1 if missing else 0


class Table:
    """The values of a recording; one row for each incident."""

    def __init__(self, recorded: Recording) -> None:
        self._recorded = recorded
        self._values = Values(recorded)
        self.noise = {name: noise_of(self._baselines(name)) for name in SIGNALS}

    def during(self, incident: str, signal: str) -> float | None:
        """Return a signal's value while an incident was active."""
        (stretch,) = self._recorded.of(incident)
        return self._values.of(signal, stretch)

    def missing(self, incident: str) -> list[str]:
        """Return the signals that the incident should have moved, and did not."""
        return [name for name, side in MOVES[incident].items() if self._side(incident, name) != side]

    def unrelated(self, incident: str) -> list[str]:
        """Return the signals that left their noise, and should not have."""
        related = set(MOVES[incident]) | FOLLOWS[incident]
        return [name for name in SIGNALS if name not in related and self._side(incident, name)]

    def lines(self, names: Sequence[str]) -> Iterator[str]:
        """Yield the table's lines."""
        yield "| incident | signal: without → during (noise) | unrelated signals beyond their noise |"
        yield "|---|---|---|"
        for name in names:
            moved = "<br>".join(self._change(name, signal) for signal in MOVES[name])
            beyond = "<br>".join(self._change(name, signal) for signal in self.unrelated(name)) or "none"
            yield f"| `{name}` | {moved} | {beyond} |"

    def _baselines(self, signal: str) -> list[float]:
        values = (self._values.of(signal, stretch) for stretch in self._recorded.of(None))
        return [value for value in values if value is not None]

    def _side(self, incident: str, signal: str) -> int:
        value, noise = self.during(incident, signal), self.noise[signal]
        return 0 if value is None or noise is None else noise.side(value)

    def _change(self, incident: str, signal: str) -> str:
        noise, unit = self.noise[signal], SIGNALS[signal].unit
        before = "none" if noise is None else written(noise.middle, unit)
        bounds = "" if noise is None else f" ({written(noise.low, unit)} to {written(noise.high, unit)})"
        return f"{signal}: {before} → **{written(self.during(incident, signal), unit)}**{bounds}"


def noise_of(values: Iterable[float]) -> Noise | None:
    """Return the noise of a signal with these values in the baselines; None if it had none."""
    known = list(values)
    if not known:
        return None
    middle = statistics.fmean(known)
    spread = DEVIATIONS * (statistics.stdev(known) if len(known) > 1 else 0.0)
    return Noise(min(*known, middle - spread), middle, max(*known, middle + spread))


def written(value: float | None, unit: str) -> str:
    """Return a value for the table."""
    if value is None:
        return "no value"
    value = max(value, 0.0)
    if unit == "s":
        return f"{value:.1f} s" if value >= 1 else f"{value * 1000:.1f} ms"
    if unit == "By":
        return f"{value / 1e6:.1f} MB" if value >= 1e5 else f"{value / 1e3:.0f} kB"
    if unit == "share":
        return f"{100 * value:.0f} %"
    return f"{value:.3g} {unit}"


if __name__ == "__main__":
    sys.exit(main())
