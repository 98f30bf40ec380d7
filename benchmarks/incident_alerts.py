"""Plays every incident on the real stack and checks who is called: `make incidents`.

In: the incidents to play. Out: the table of `docs/incidents.md`, as Markdown: which alert fired, when, and the board
that it links; exit status 1 where one did not, or where something else called somebody. State: a temporary folder and
the processes, all gone at the end.

All windows of the rules are divided by twenty, and Prometheus begins with nothing for each incident, since what
happened before it would be in the same windows. Before each incident nothing happens for a while, and nothing may fire
then; so it is at first, for as long as with an incident. Not at the end: losses that a Prometheus without a past finds
in counters are new to it.
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.incident_recording import NEW_VERSION
from benchmarks.watching import Fired, Stretch, Watching, watching
from demo_flow.incidents.table import INCIDENTS

_SETTLES: Final = 8.0
"""Seconds after an incident, for what it has left in queues."""
_STAGE: Final = "search-stage"
_OVERVIEW: Final = "search-overview"
_ENCODER: Final = "search-encoder"
_HEALTH: Final = "search-telemetry"
_BUDGETS: Final = frozenset({"SearchErrorBudgetBurns", "SearchLatencyBudgetBurns"})


@dataclass(frozen=True, slots=True)
class Expected:
    """Who is called for an incident.

    Attributes:
        alert: that must fire.
        at_fault: labels that it must have.
        board: uid of the board that it must link.
        pages: other alerts that may call somebody: requests fail or are slow for users, which is what they are for.
        named: labels that it must have, whatever their value.
    """

    alert: str
    at_fault: Mapping[str, str]
    board: str
    pages: frozenset[str] = field(default_factory=frozenset)
    named: tuple[str, ...] = ()


EXPECTED: Final[Mapping[str, Expected]] = {
    "slow-replica": Expected(
        "SearchReplicaSlower", {"job": "pamazon/qdrant_indexer", "search_stage": "qdrant_search"}, _STAGE,
        named=("instance",),
    ),
    "tiny-batches": Expected("SearchBatchesTiny", {"job": "pamazon/clip_encoder"}, _ENCODER),
    "pool-starvation": Expected(
        "SearchPoolSaturated", {"job": "pamazon/qdrant_indexer", "search_stage": "qdrant"}, _STAGE
    ),
    "queue-saturation": Expected(
        "SearchQueueWait", {"job": "pamazon/clip_encoder", "search_stage": "encode_text_batch"}, _STAGE, _BUDGETS
    ),
    "chile-slow-link": Expected("SearchClientsSlowOnTheWay", {"client_region": "cl"}, _OVERVIEW),
    "chile-slow-server": Expected("SearchClientsSlowInside", {"client_region": "cl"}, _OVERVIEW),
    "platform-fails": Expected("SearchClientsFail", {"client_platform": "ios"}, _OVERVIEW, _BUDGETS),
    "empty-index": Expected("SearchRequestsEmpty", {"search_operation": "index"}, _OVERVIEW),
    "oversize-documents": Expected("SearchRequestsTooLarge", {"search_operation": "index"}, _STAGE),
    "poison-documents": Expected(
        "SearchErrorBudgetBurns", {"search_operation": "index", "slo": "availability", "severity": "page"}, _OVERVIEW
    ),
    "slow-version": Expected(
        "SearchVersionSlower", {"service_version": NEW_VERSION, "search_stage": "forward"}, _STAGE
    ),
    "encoder-throttled": Expected(
        "SearchStageSlower", {"job": "pamazon/clip_encoder", "search_stage": "forward"}, _STAGE
    ),
    "cold-cache": Expected("SearchCacheCold", {"job": "pamazon/clip_encoder"}, _ENCODER),
    "collector-away": Expected("SearchTelemetrySilent", {"severity": "page"}, _HEALTH, named=("job",)),
}  # fmt: skip
"""By incident."""


def matching(stretch: Stretch, expected: Expected) -> Fired | None:
    """Return the alert that was expected, if it fired with the labels at fault."""
    for fired in stretch.fired:
        right = fired.name == expected.alert and expected.at_fault.items() <= fired.labels.items()
        if right and all(fired.labels.get(label) for label in expected.named):
            return fired
    return None


def faults(stretch: Stretch, expected: Expected) -> list[str]:
    """Return what is wrong with the alerts of an incident, a sentence each."""
    fired = matching(stretch, expected)
    if fired is None:
        return [f"{expected.alert} with {dict(expected.at_fault)} did not fire: {_all(stretch.fired)}"]
    wrong = []
    summary = fired.annotations["summary"]
    wrong += [
        f"the summary does not name {label}: {summary}"
        for label in (*expected.at_fault, *expected.named)
        if label not in {"severity", "slo"} and fired.labels[label] not in summary
    ]
    if not fired.annotations["dashboard_url"].startswith(f"/d/{expected.board}?"):
        wrong.append(f"it links {fired.annotations['dashboard_url']}, not {expected.board}")
    others = [each for each in stretch.fired if each.name not in {expected.alert, *expected.pages}]
    pages = [each for each in others if each.severity == "page"]
    return wrong + ([f"others page: {_all(pages)}"] if pages else [])


def _all(fired: Iterable[Fired]) -> str:
    return "; ".join(f"{each.name} ({each.severity}): {each.annotations['summary']}" for each in fired) or "none"


def main() -> int:
    """Play, and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.incident_alerts", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="incidents (default: all)")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each incident, and before it (%(default)s)")
    parser.add_argument("--rate", type=float, default=16.0, help="searches a second (%(default)s)")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="of what each alert links (needs Chromium)")
    arguments = parser.parse_args()
    console = Console(stderr=True, highlight=False)
    names = arguments.names or list(INCIDENTS)
    wrong: dict[str, list[str]] = {}
    stretches: list[Stretch] = []
    with tempfile.TemporaryDirectory(prefix="incident-alerts-") as folder:
        console.print("the stack and Pamazon start")
        with watching(Path(folder), rate=arguments.rate) as flow, _drawing(flow, arguments.pictures) as draw:
            flow.forget()
            healthy = flow.watch(None, 2 * arguments.seconds)
            console.print(f"without an incident: {_all(healthy.fired)}")
            for name in names:
                stretch, faulty = _play(flow, name, arguments.seconds, draw)
                stretches.append(stretch)
                wrong[name] = faulty
                console.print(f"{name}: {'; '.join(faulty) or 'as expected'}")
    wrong["healthy"] = [f"without an incident: {_all(healthy.fired)}"] if healthy.fired else []
    print("\n".join(_table(stretches)))
    return 1 if any(wrong.values()) else 0


@contextlib.contextmanager
def _drawing(flow: Watching, folder: Path | None) -> Iterator[Callable[[Stretch], None]]:
    """Yield what takes a picture of the board that an incident's alert links."""
    if folder is None:
        yield lambda _: None
        return
    from benchmarks.incident_pictures import boards, picture

    folder.mkdir(parents=True, exist_ok=True)
    with boards(flow.stack.url("prometheus.web")) as address:

        def draw(stretch: Stretch) -> None:
            name = stretch.incident or ""
            fired = matching(stretch, EXPECTED[name])
            if fired is None:
                return
            try:
                picture(address, fired.annotations["dashboard_url"], folder / f"{name}.webp")
            except (subprocess.SubprocessError, AssertionError) as error:  # half an hour of incidents is worth more
                print(f"no picture of {name}: {error}", file=sys.stderr)

        yield draw


def _play(
    flow: Watching, name: str, seconds: float, draw: Callable[[Stretch], None]
) -> tuple[Stretch, list[str]]:  # fmt: skip
    """Begin with nothing, and let an incident follow on a time without one."""
    flow.forget()
    before = flow.watch(None, seconds)
    stretch = flow.watch(name, seconds, then=draw)
    time.sleep(_SETTLES)
    early = [f"before it: {_all(before.fired)}"] if before.fired else []
    return stretch, [*early, *faults(stretch, EXPECTED[name])]


def _table(stretches: Sequence[Stretch]) -> Iterator[str]:
    yield "| incident | alert | it says | after | board | others |"
    yield "|---|---|---|---|---|---|"
    for stretch in stretches:
        expected = EXPECTED[stretch.incident or ""]
        fired = matching(stretch, expected)
        if fired is None:
            yield f"| `{stretch.incident}` | {expected.alert} did not fire | | | | {_others(stretch, expected)} |"
            continue
        cells = (
            f"`{stretch.incident}`",
            f"{fired.name} ({fired.severity})",
            fired.annotations["summary"],
            f"{fired.after:.0f} s",
            expected.board,
            _others(stretch, expected),
        )
        yield f"| {' | '.join(cells)} |"


def _others(stretch: Stretch, expected: Expected) -> str:
    names = sorted({f"{each.name} ({each.severity})" for each in stretch.fired if each.name != expected.alert})
    return ", ".join(names) or "none"


if __name__ == "__main__":
    sys.exit(main())
