"""A day of data in Prometheus, made of the series of a few minutes.

In: series with their labels and last values. Out: blocks in a folder, by `promtool tsdb create-blocks-from
openmetrics`. State: none; each part's text is deleted once it is a block.

Counters rise through the day, faster by day than by night; a histogram's buckets rise together, so that its
percentiles stay what they were. Everything else stays as it is, with a little noise.
"""

import math
import random
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

Series = tuple[Mapping[str, str], float]
"""Labels, the name among them, and the last value."""

DAY: Final = 86_400
PART: Final = 7_200
"""Seconds of a block: Prometheus cuts its own so, and a part's text stays small."""
MINUTES: Final = 300.0
"""Seconds in which counters reached their last value: a day's is as much larger."""
_COUNTERS: Final = ("_bucket", "_count", "_sum", "_total")


def backfill(promtool: Path, series: Sequence[Series], folder: Path, end: int, *, every: int) -> int:
    """Write the day before `end` into a folder, a sample `every` so many seconds; return the number of samples.

    `end` is a multiple of `PART`. Series whose names have dots, such as some of the Collector's, are left out.

    Raises:
        subprocess.CalledProcessError: promtool refuses the text.
    """
    text = folder.with_suffix(".txt")
    series = [one for one in series if "." not in one[0]["__name__"] and math.isfinite(one[1])]
    for begin in range(end - DAY, end, PART):
        moments = range(begin, begin + PART, every)
        with text.open("w", encoding="utf-8") as file:
            for one in series:
                file.writelines(_lines(one, moments, end - DAY))
            file.write("# EOF\n")
        command = [str(promtool), "tsdb", "create-blocks-from", "openmetrics", "--quiet", str(text), str(folder)]
        subprocess.run(command, check=True, capture_output=True)
        text.unlink()
    return len(series) * (DAY // every)


def _lines(one: Series, moments: Iterable[int], begin: int) -> Iterator[str]:
    labels, value = one
    name = labels["__name__"]
    pairs = ",".join(f'{_quoted(key)}="{_escaped(text)}"' for key, text in labels.items() if key != "__name__")
    head = f"{name}{{{pairs}}}"
    if name.endswith(_COUNTERS) or (name.startswith("otelcol_") and "queue" not in name):
        return (f"{head} {value * _passed(moment - begin):.9g} {moment}\n" for moment in moments)
    noise = random.Random(head)
    spread = 0.0 if value.is_integer() else 0.02 * value
    return (f"{head} {value + spread * noise.uniform(-1, 1):.9g} {moment}\n" for moment in moments)


def _passed(seconds: int) -> float:
    """Return how many times its last value a counter has risen, after so many seconds of the day."""
    wave = 0.5 * DAY / math.tau * (1 - math.cos(math.tau * seconds / DAY))
    return (seconds + wave) / MINUTES


def _quoted(key: str) -> str:
    """Return a label's name; in quotes, if it has dots as Jaeger's do."""
    return key if key.isidentifier() else f'"{key}"'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
