"""The vocabulary: consistent in itself, the only place where a name is spelled, and what the pages have."""

import re
from pathlib import Path

import pytest

from docs.generate import pages
from telemetry import conventions as c

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", pages(), ids=lambda path: path.name)
def test_generated_pages_are_current(page: Path) -> None:
    """What is generated is committed, and equals what the code declares."""
    assert page.read_text("utf-8") == pages()[page], f"{page.name} is stale: run make docs"


def test_no_name_is_declared_twice() -> None:
    """Two constants for one name would drift apart."""
    for names in ([a.name for a in c.ATTRIBUTES], [m.name for m in c.METRICS]):
        assert sorted(set(names)) == sorted(names)


def test_every_attribute_of_a_metric_is_bounded() -> None:
    """A metric's attribute without a limit would let callers make series without end."""
    assert [a.name for m in c.METRICS for a in m.attributes if a.limit is None] == []


def test_buckets_are_fractional_and_rise() -> None:
    """Whole bounds are spelled differently by different exporters; bounds out of order are refused by all."""
    for metric in c.METRICS:
        assert (metric.buckets == ()) == (metric.instrument is not c.Instrument.HISTOGRAM), metric.name
        assert list(metric.buckets) == sorted(set(metric.buckets)), metric.name
        assert not [bound for bound in metric.buckets if bound == int(bound)], metric.name


def test_names_are_spelled_in_one_place() -> None:
    """In the library a declared name stands in the vocabulary alone."""
    declared = {a.name for a in c.ATTRIBUTES if "." in a.name} | {m.name for m in c.METRICS}
    spelled = [
        (path.relative_to(ROOT).as_posix(), name)
        for path in sorted((ROOT / "telemetry").rglob("*.py"))
        if path.parent.name != "conventions"
        for name in re.findall(r'^[^#]*"([a-z0-9_.]+)"', path.read_text("utf-8"), re.MULTILINE)
        if name in declared
    ]
    assert spelled == [], "use the constant of telemetry/conventions/"
