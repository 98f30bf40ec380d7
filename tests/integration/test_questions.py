"""The commands of docs/questions.md find what went wrong: each is run, as the page has it, on the recorded incidents.

`--since 5m` becomes the time of the incident, and the id of a trace that of the listed one.
"""

import re
import shlex
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from benchmarks.incident_recording import Recording
from telemetry.cli import main

pytestmark = pytest.mark.timeout(300)
"""The first test that needs the incidents records them."""

PAGE: Final = (Path(__file__).parents[2] / "docs" / "questions.md").read_text("utf-8")
UNITS: Final = {"µs": 1e-6, "ms": 1e-3, "s": 1.0, "B": 1.0, "KiB": 2.0**10, "MiB": 2.0**20}
ACTIVE_BEFORE: Final = 1.0
"""An incident has been active for so many seconds when its stretch begins."""
COUNTED_LATE: Final = 9.0
"""So many seconds later the local collector has counted a trace."""


@dataclass(frozen=True)
class Asked:
    """A command of the page, under its question, with the incident that it is asked about."""

    question: str
    incident: str | None
    command: str


def asked_on_the_page() -> list[Asked]:
    found: list[Asked] = []
    for section in PAGE.split("\n## ")[1:]:
        incident: str | None = None
        for named, command in re.findall(r"^Incident: (\S+)|^\$ (telemetry .*)", section, re.MULTILINE):
            if named:
                incident = None if named == "none" else named.strip("`")
            else:
                found.append(Asked(section.partition("\n")[0], incident, command))
    return found


@dataclass
class Shown:
    """What a command printed: its rows, in their order."""

    text: str
    rows: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for line in self.text.splitlines():
            name, *cells = re.split(r"\s{2,}", line.strip())
            self.rows.setdefault(name, cells)

    def value(self, name: str, column: int = 1) -> float:
        number, _, unit = self.rows[name][column].removeprefix(">").partition(" ")
        return float(number) * UNITS[unit] if unit else float(number)

    def above_the_others(self, name: str) -> float:
        """By how much the median of a row is above the usual one of the rows of a region."""
        others = [row for row in self.rows if re.match(r"[a-z]{2}( · |$)", row) and row != name]
        return self.value(name) - statistics.median(self.value(row) for row in others)


BOB, ALICE = "cl · linux", "us · android"
Check = Callable[[list[Shown]], object]


def slow_for_both(shown: list[Shown]) -> None:
    assert min(shown[0].above_the_others(who) for who in (ALICE, BOB)) > 0.05


def on_the_way(shown: list[Shown]) -> None:
    """Alice and Bob wait on the way; in the first incident Bob waits longer for it, in the second inside."""
    way, inside, link_waited, link_inside, server_inside = shown
    assert min(way.above_the_others(who) for who in (ALICE, BOB)) > 0.04
    assert max(inside.above_the_others(who) for who in (ALICE, BOB)) < 0.04
    assert link_waited.above_the_others("cl") > 0.25
    assert link_inside.above_the_others("cl") < 0.1 < server_inside.above_the_others("cl")


def which_span(shown: list[Shown]) -> None:
    waited = shown[1].text.partition("● waited for ")[2]
    assert waited.startswith("qdrant_search "), shown[1].text


def empty(shown: list[Shown]) -> None:
    assert [name for name in shown[0].rows if name in {"index", "search"}] == ["index"]
    assert "/pamazon.Gateway/Index" in shown[1].text


def too_large(shown: list[Shown]) -> None:
    assert shown[0].value("index") > 1e6
    assert shown[0].value("search") < 1e3
    assert shown[1].value("index", 3) < 10


def shared(shown: list[Shown]) -> None:
    slow, failed = (list(one.rows)[2] for one in shown)
    assert slow in {"client.region=cl", "client.platform=linux"}
    assert failed == "client.platform=ios"


def which_version(shown: list[Shown]) -> None:
    assert shown[0].value("2.0.0") > 0.1
    assert next(name for name in shown[0].rows if re.match(r"\d+\.\d+\.\d+$", name)) == "2.0.0"


def encoder_or_index(shown: list[Shown]) -> None:
    """First the encoder, then the index, and of that one replica."""
    stages, path, replicas = shown
    assert stages.value("inference") > 0.1 > 2 * stages.value("qdrant_search")
    assert path.value("qdrant_search", 0) > path.value("txt_minibatch_encoding", 0)
    slow, fast = (replicas.value(name) for name in replicas.rows if re.match(r"[0-9a-f]{8}-", name))
    assert slow > 0.1 > 1.5 * fast


CHECKS: Final[Mapping[str, Check]] = {
    "Slow for whom?": slow_for_both,
    "On the way, or inside?": on_the_way,
    "Which span?": which_span,
    "Was the request empty?": empty,
    "Was it too large?": too_large,
    "What do the slow ones share?": shared,
    "Which version?": which_version,
    "Encoder, or index?": encoder_or_index,
}


@pytest.mark.parametrize("question", CHECKS)
def test_the_commands_of_the_page_answer(
    question: str, recorded_incidents: Recording, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each prints without an error, and the answers are the right ones."""
    monkeypatch.setenv("COLUMNS", "110")
    shown: list[Shown] = []
    for asked in asked_on_the_page():
        if asked.question == question:
            assert main(argv(asked, recorded_incidents, shown)) == 0, capsys.readouterr().err
            shown.append(Shown(capsys.readouterr().out))
    try:
        CHECKS[question](shown)
    except Exception:
        print(*(one.text for one in shown), sep="\n")
        raise


def argv(asked: Asked, recorded: Recording, shown: list[Shown]) -> list[str]:
    _, command, *words = shlex.split(asked.command)
    if command == "trace":
        words = [next(name for name in shown[-1].rows if re.fullmatch(r"[0-9a-f]{8,}", name))]
    else:
        assert words[words.index("--since") + 1] == "5m"
        stretch = recorded.of(asked.incident)[0]
        late = COUNTED_LATE if words[0] in {"search.transit.duration", "search.critical_path.time"} else 0.0
        early = ACTIVE_BEFORE if asked.incident else 0.0
        times = (stretch.begin / 1e9 - early, stretch.end / 1e9 + late)
        at = words.index("--since")
        del words[at : at + 2]
        since, until = (datetime.fromtimestamp(time, UTC).isoformat() for time in times)
        words += ["--since", since, "--until", until]
    return [command, *words, "--api", recorded.api]


def test_every_question_of_the_page_is_checked_and_has_promql() -> None:
    """A new section needs a check here, and has both: a command, and a query."""
    sections = PAGE.split("\n## ")[1:]
    assert [section.partition("\n")[0] for section in sections] == list(CHECKS)
    assert all("\n```promql\n" in section and "\n$ telemetry " in section for section in sections)
