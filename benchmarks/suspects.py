"""Plays every incident and asks for suspects: `python -m benchmarks.suspects [NAME …]`.

In: how long each lasts. Out: a table as Markdown: what `/api/suspects` says is wrong, the place of the planted cause
among its suspects, and how long the answer took; then the same without an incident. The exit status is 1 where a cause
is not among the first three. State: a temporary folder and the processes, all gone at the end.

Before each incident there is a healthy time of the same length, with which the answer compares.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from benchmarks import incident_options as options
from benchmarks.incident_recording import NEW_VERSION, Recording, Stretch, play, recording

GOODS: Final = 300
FIRST: Final = 3
"""Suspects among which the cause must be: of the spans, or of the attributes."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What an incident plants: at which entry, and the words of which some suspect has one, or the problem itself."""

    operation: str
    words: Sequence[str]


CAUSES: Final[Mapping[str, Cause]] = {
    "slow-replica": Cause("/search", ("qdrant_indexer › service.instance.id =",)),
    "tiny-batches": Cause("/index", ("8 or more spans clip_encoder › img_minibatch_encoding", "minibatch_size = 1")),
    "pool-starvation": Cause("/search", ("for qdrant_indexer › qdrant_search",)),
    "queue-saturation": Cause(
        "/search", ("for clip_encoder › txt_minibatch_encoding", "clip_encoder › txt_minibatch_encoding: ")
    ),
    "chile-slow-link": Cause("/search", ("client.region = cl",)),
    "chile-slow-server": Cause("/search", ("client.region = cl",)),
    "platform-fails": Cause("/search", ("client.platform = ios",)),
    "empty-index": Cause("/index", ("have no documents",)),
    "oversize-documents": Cause("/index", ("len_docs = 2", "len_docs < ")),
    "poison-documents": Cause("/index", ("qdrant_indexer › qdrant_index: json.decoder.JSONDecodeError",)),
    "slow-version": Cause("/search", (f"clip_encoder › service.version = {NEW_VERSION}",)),
    "encoder-throttled": Cause("/search", ("for clip_encoder › forward",)),
    "cold-cache": Cause("/search", ("a span clip_encoder › inference", "clip_encoder › encode › search.cache.hits")),
}
"""`collector-away` leaves no spans."""


def main() -> int:
    """Play, ask, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.suspects", description=(__doc__ or "").split("\n")[0])
    options.add(parser, names="all that leave spans", seconds=20.0, index_rate=3.0)
    arguments = parser.parse_args()
    names = arguments.names or list(CAUSES)
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="bench-suspects-") as folder:
        rates = {"rate": arguments.rate, "index_rate": arguments.index_rate}
        with recording(Path(folder), goods=GOODS, **rates) as recorded:
            play(recorded, None, 2 * arguments.seconds, before=10.0, after=0.0)
            for name in names:
                console.print(name)
                play(recorded, None, arguments.seconds, before=2.0, after=0.0)
                play(recorded, name, arguments.seconds, before=2.0, after=3.0)
            play(recorded, None, arguments.seconds, before=2.0, after=8.0)
            print(f"{options.described(arguments)}\n")
            missing = [name for name in names if not _print_incident(recorded, name)]
            _print_healthy(recorded)
    for name in missing:
        console.print(f"The cause of {name} is not among the first {FIRST} suspects.", style="red")
    return 1 if missing else 0


def _print_incident(recorded: Recording, name: str) -> bool:
    """Print the row of an incident; return whether its cause was found."""
    cause = CAUSES[name]
    (stretch,) = recorded.of(name)
    if name == next(iter(CAUSES)):
        print("| incident | what is wrong | the planted cause | is suspect | answer |")
        print("|---|---|---|---|---|")
    answer, took = _ask(recorded, cause.operation, stretch.begin, stretch.end)
    problem = answer["problem"]["sentence"] if answer["problem"] else "nothing"
    place, said = place_of(answer, cause)
    print(f"| `{name}` | {problem} | {said} | {place or 'not found'} | {took * 1000:.0f} ms |", flush=True)
    return bool(place)


def place_of(answer: Mapping[str, Any], cause: Cause) -> tuple[str, str]:
    """Where a suspect names the cause, and what it says."""
    lists = {"span": answer["spans"], "attribute": answer["attributes"]}
    for kind, rows in lists.items():
        for at, row in enumerate(rows[:FIRST]):
            text = " ".join([row["sentence"], *row.get("same", ())])
            if any(word in text for word in cause.words):
                return f"{kind} {at + 1}", row["sentence"]
    problem = answer["problem"]["sentence"] if answer["problem"] else ""
    return ("the problem itself", problem) if any(word in problem for word in cause.words) else ("", "")


def _print_healthy(recorded: Recording) -> None:
    """Print what is said of the second half of each healthy time, compared with the first."""
    quiet = [Stretch(None, (one.begin + one.end) // 2, one.end) for one in recorded.of(None)]
    print("\nWithout an incident:\n")
    for stretch in quiet:
        answer, _ = _ask(recorded, "/search", stretch.begin, stretch.end)
        problem, attributes = answer["problem"], [row["sentence"] for row in answer["attributes"][:1]]
        problem_text = "nothing" if problem is None else f"{problem['sentence']} {'New. ' if problem['is_new'] else ''}"
        print(f"- {problem_text}{' '.join(attributes)}")


def _ask(recorded: Recording, operation: str, begin: int, end: int) -> tuple[Any, float]:
    times = {name: datetime.fromtimestamp(at / 1e9, UTC).isoformat() for name, at in (("since", begin), ("until", end))}
    started = time.monotonic()
    answer = recorded.ask("/api/suspects", operation=operation, **times)
    return answer, time.monotonic() - started


if __name__ == "__main__":
    sys.exit(main())
