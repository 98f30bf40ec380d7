"""A day of data, made of the last values of series: the text of it."""

import subprocess
from pathlib import Path

import pytest

from benchmarks.day_of_data import PART, Series, backfill

BUCKETS: list[Series] = [
    ({"__name__": "a_bucket", "le": "0.5", "say": 'a "b"\n\\'}, 3.0),
    ({"__name__": "a_bucket", "le": "+Inf", "service.name": "x"}, 6.0),
    ({"__name__": "points"}, 7.0),
    ({"__name__": "a.b"}, 7.0),
    ({"__name__": "nothing"}, float("nan")),
]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The lines of all parts, in their order."""
    lines: list[str] = []

    def run(command: list[str], **_: object) -> None:
        lines.extend(Path(command[-2]).read_text(encoding="utf-8").splitlines())

    monkeypatch.setattr(subprocess, "run", run)
    assert backfill(Path("promtool"), BUCKETS, tmp_path / "series", 12 * PART, every=PART // 2) == 3 * 24
    return lines


def values(lines: list[str], start: str) -> list[float]:
    return [float(line.split()[-2]) for line in lines if line.startswith(start)]


def test_counters_only_rise_and_buckets_rise_together(written: list[str]) -> None:
    """So percentiles are those of the series that they were made of."""
    half, whole = (values(written, f'a_bucket{{le="{bound}"') for bound in ("0.5", "+Inf"))
    assert len(half) == len(whole) == 24
    assert half == sorted(half)
    assert half[1] > half[0]
    assert [2 * value for value in half] == pytest.approx(whole)


def test_everything_else_stays(written: list[str]) -> None:
    """A number of points is a number of points; what has no value, or a name with dots, is left out."""
    assert values(written, "points") == [7.0] * 24
    assert not [line for line in written if line.startswith(("a.b", "nothing"))]


def test_names_and_values_of_labels_are_written_as_they_may_be(written: list[str]) -> None:
    """In quotes where they have dots, and escaped; each part ends as OpenMetrics does."""
    assert 'say="a \\"b\\"\\n\\\\"' in written[0]
    assert any('"service.name"="x"' in line for line in written)
    assert written.count("# EOF") == 12
