"""Old telemetry goes, by age and by size: whole traces, oldest first, between commits, counted and reported."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.local import settings
from collector.local.amounts import age_text, parse_age, parse_size, size_text
from collector.local.decode.decoded import Decoded
from collector.local.decode.signals import BY_PATH
from collector.local.errors import SettingsError
from collector.local.intake.retention import Retention
from collector.local.intake.writer import Writer
from collector.local.settings import CollectorSettings
from collector.local.stats import Counters
from collector.local.store import expiry
from collector.local.store.schema import (
    EXEMPLARS,
    LOGS,
    METRIC_POINTS,
    RESOURCES,
    SCOPES,
)
from collector.local.store.spans.tables import OF_TRACES
from collector.local.store.store import Store
from tests import otlp_samples as otlp

NS = 1_000_000_000
DAY = 86_400 * NS
NOW = 1_800_000_000 * NS
WEEK_OLD = NOW - 7 * DAY


class Kept:
    """A store with its writer and its retention, and a clock of its own."""

    def __init__(self, path: Path | None = None, **settings: Any) -> None:
        self.settings = CollectorSettings(**settings)
        self.store = Store.open(path, settings=self.settings)
        self.counters = Counters()
        self.writer = Writer(self.store, self.settings)
        self.retention = Retention(self.store, self.writer, self.counters, self.settings)
        self.writer.start()
        self._sent = 0

    def arrive(self, when_unix_ns: int, *exports: Decoded) -> None:
        """Store exports as if they had arrived at this time."""
        for export in exports:
            self._sent += 1
            self.store.write([export], [str(self._sent)], when_unix_ns)

    def column(self, sql: str) -> list[Any]:
        cursor = self.store.reader()
        try:
            return [row[0] for row in cursor.execute(sql).fetchall()]
        finally:
            cursor.close()

    def spans(self) -> list[str]:
        """Names of the spans that are there, in the order of their coming."""
        return self.column("SELECT name FROM span_rows JOIN operations USING (operation_no) ORDER BY span_rows.rowid")

    def rows(self) -> dict[str, int]:
        tables = (*OF_TRACES, METRIC_POINTS, EXEMPLARS, LOGS, RESOURCES, SCOPES)
        return {table.name: self.column(f"SELECT count(*) FROM {table.name}")[0] for table in tables}

    def expired(self) -> dict[str, int]:
        return {signal: figures.expired for signal, figures in self.counters.snapshot().items()}

    def close(self) -> None:
        assert self.writer.stop(60)
        self.store.close()


@pytest.fixture
def kept() -> Iterator[Kept]:
    made = Kept(retention_s=7 * 86_400.0)
    yield made
    made.close()


def span(trace: int, name: str, **fields: Any) -> Decoded:
    """One span, in an export of its own."""
    return decoded("traces", otlp.traces(otlp.small_span(trace, name=name, **fields)))


def decoded(signal: str, document: Any) -> Decoded:
    return otlp.decode(BY_PATH[f"/v1/{signal}"], document)


def test_what_arrived_too_long_ago_goes_of_every_signal(kept: Kept) -> None:
    """Spans with events and links, points with exemplars, logs; their resources too; what is younger stays."""
    everything = (
        decoded("traces", otlp.traces(otlp.full_span())),
        decoded("metrics", otlp.metrics(*otlp.every_metric())),
        decoded("logs", otlp.logs({"body": {"stringValue": "old"}})),
    )
    kept.arrive(WEEK_OLD - 1, *everything)
    before = kept.rows()
    assert all(before.values())
    assert kept.retention.expire_by_age(NOW - 1) == 0
    assert kept.rows() == before
    assert kept.retention.expire_by_age(NOW) == 1 + 7 + 1
    assert kept.rows() == dict.fromkeys(before, 0)
    assert kept.expired() == {"traces": 1, "metrics": 7, "logs": 1}
    kept.arrive(NOW, *everything)
    assert kept.rows() == before  # resources and scopes that went are stored again


def test_a_trace_goes_when_its_last_span_is_too_old(kept: Kept) -> None:
    """Never half of it: a trace that goes on keeps its first spans, and then goes whole."""
    for when, trace, name in (
        (WEEK_OLD - 9, 1, "whole"),
        (WEEK_OLD - 8, 2, "begins"),
        (WEEK_OLD - 7, 1, "whole, too"),
        (WEEK_OLD + 5, 2, "goes on"),
        (WEEK_OLD + 6, 3, "young"),
    ):
        kept.arrive(when, span(trace, name))
    kept.retention.expire_by_age(NOW)
    assert kept.spans() == ["begins", "goes on", "young"]
    kept.retention.expire_by_age(NOW + 6)
    assert kept.spans() == ["young"]


def test_age_is_that_of_the_arrival(kept: Kept) -> None:
    """Senders' clocks that are off by years, either way, make nothing go early or stay for ever."""
    wrong_clocks = {
        "of 1970": {"startTimeUnixNano": "1", "endTimeUnixNano": "2"},
        "without a time": {"startTimeUnixNano": "0", "endTimeUnixNano": "0"},
        "of 2200": {"startTimeUnixNano": str(7_258_118_400 * NS), "endTimeUnixNano": str(7_258_118_401 * NS)},
    }
    for number, (name, times) in enumerate(wrong_clocks.items(), 1):
        kept.arrive(WEEK_OLD, span(number, name, **times))
    kept.retention.expire_by_age(NOW)
    assert kept.spans() == list(wrong_clocks)
    kept.retention.expire_by_age(NOW + 1)
    assert kept.spans() == []


def test_what_came_under_a_clock_that_was_ahead_holds_nothing_else_back(kept: Kept) -> None:
    """The collector's own clock was in 2100 for a while: the rest still goes at its time."""
    kept.arrive(WEEK_OLD - 5, span(1, "old"))
    kept.arrive(4_102_444_800 * NS, span(2, "from 2100"))
    kept.arrive(WEEK_OLD - 4, span(3, "old, too"))
    kept.retention.expire_by_age(NOW)
    assert kept.spans() == ["from 2100"]


def test_much_goes_in_small_steps_and_crossing_traces_hold_none_up(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step is a transaction of its own; what a step keeps, since it goes on, the next one does not look at."""
    monkeypatch.setattr(expiry, "STEP_ROWS", 3)
    kept.arrive(WEEK_OLD - 100, *(span(99, f"goes on {number}") for number in range(4)))
    for number in range(20):
        kept.arrive(WEEK_OLD - 50 + number, span(number + 1, f"old {number}"))
    kept.arrive(WEEK_OLD + 1, span(99, "goes on, still"))
    steps = kept.store.changed.sequence
    kept.retention.expire_by_age(NOW)
    assert kept.spans() == [*(f"goes on {number}" for number in range(4)), "goes on, still"]
    assert kept.store.changed.sequence - steps >= 20 / 3


def test_a_resource_stays_as_long_as_anything_refers_to_it(kept: Kept) -> None:
    """Whichever signal it is."""
    kept.arrive(WEEK_OLD - 5, span(1, "old"))
    kept.arrive(WEEK_OLD + 5, decoded("traces", otlp.traces(otlp.small_span(2))))
    kept.retention.expire_by_age(NOW)
    assert (kept.rows()["resources"], kept.rows()["scopes"]) == (1, 1)
    kept.retention.expire_by_age(NOW + 6)
    assert (kept.rows()["resources"], kept.rows()["scopes"]) == (0, 0)


def test_off_keeps_everything() -> None:
    """No age, no size: nothing is deleted, and no thread looks."""
    kept = Kept(retention_s=None, max_store_bytes=None)
    kept.arrive(1, span(1, "ancient"))
    kept.retention.start()
    assert kept.retention.expire_by_age(NOW) == kept.retention.expire_by_size() == 0
    assert kept.spans() == ["ancient"]
    assert not any(thread.name == "collector-retention" for thread in threading.enumerate())
    assert kept.retention.stop(1)
    kept.close()


def test_deleting_is_done_by_the_thread_that_writes(kept: Kept) -> None:
    """So it comes between two commits, and no export waits for more than one step."""
    by: list[str] = []
    expire = kept.store.expire

    def watched(what: expiry.Expiry) -> expiry.Expired:
        by.append(threading.current_thread().name)
        return expire(what)

    kept.store.expire = watched  # type: ignore[method-assign]
    kept.arrive(WEEK_OLD - 5, span(1, "old"))
    kept.retention.expire_by_age(NOW)
    assert set(by) == {"collector-writer"}


def test_what_was_deleted_is_reported_in_one_line(kept: Kept, caplog: pytest.LogCaptureFixture) -> None:
    """By kind, with the limits that made it go; not again before more is deleted."""
    kept.arrive(1, decoded("traces", otlp.traces(*(otlp.small_span(number) for number in range(1, 1_201)))))
    with caplog.at_level(logging.INFO, "collector.local.intake.retention"):
        kept.retention._check()
        kept.retention._check()
    (logged,) = (record.getMessage() for record in caplog.records)
    assert logged == "Deleted the oldest telemetry: 1,200 spans (retention 7d, max-size 2 GB)."


SMALL = 16_000_000


def big(trace: int, spans: int) -> Decoded:
    """Spans of one trace each, which do not compress: some 1.1 kB a span in the file."""
    export = Decoded("traces", records=spans)
    export.rows["spans"] = [
        (f"{trace + number:032x}", os.urandom(8).hex(), None, f"{trace + number}", "server", "shop", 5, 6, "unset", "",
         f'{{"content":"{os.urandom(1_000).hex()}"}}', 0, 0, 0, "", 0, 1, 1)
        for number in range(spans)
    ]  # fmt: skip
    return export


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    monkeypatch.setattr(settings, "MIN_STORE_BYTES", SMALL)
    made = Kept(tmp_path / "telemetry.duckdb", max_store_bytes=SMALL, retention_s=None)
    yield made
    made.close()


def fill(kept: Kept, megabytes: int, first: int = 0, after: Callable[[], object] = lambda: None) -> None:
    """So many megabytes of spans, a second apart."""
    for number in range(first, first + megabytes):
        kept.arrive(NOW + number * NS, big(1_000 * number, 900))
        after()


def test_a_store_above_its_size_loses_its_oldest_and_stays_bounded(small: Kept) -> None:
    """More than twice the size comes in: blocks in use and log stay near the limit, the newest is all there."""
    largest = 0

    def look() -> None:
        nonlocal largest
        small.retention.expire_by_size()
        size = small.store.size()
        largest = max(largest, size.used + size.log)

    fill(small, 40, after=look)
    assert largest < SMALL * 1.5
    names = [int(name) for name in small.spans()]
    assert names[-1] == 39_899
    assert names == [number for number in range(names[0], 39_900) if number % 1_000 < 900]
    assert 7_000 < len(names) < 16_000
    assert small.expired()["traces"] == 40 * 900 - len(names)


def test_deleting_by_size_ends_once_enough_is_deleted(small: Kept) -> None:
    """Although a query that is under way keeps DuckDB from freeing the blocks: the store is not emptied for that."""
    fill(small, 20)
    reader = small.store.reader()
    reader.begin()
    reader.execute("SELECT count(*) FROM spans").fetchone()
    assert small.retention.expire_by_size() > 0
    left = len(small.spans())
    for _ in range(3):
        assert small.retention.expire_by_size() == 0
    assert len(small.spans()) == left > 9_000
    reader.close()


def test_by_size_a_trace_goes_with_its_later_spans(small: Kept) -> None:
    """The oldest trace goes whole, even when it goes on: so that one endless trace cannot hold the store full."""
    small.arrive(NOW - NS, span(2**100, "begins"))
    fill(small, 18)
    small.arrive(NOW + 18 * NS, span(2**100, "goes on"))
    assert small.retention.expire_by_size() > 0
    assert not {"begins", "goes on"} & set(small.spans())


def test_nothing_goes_below_the_size(small: Kept) -> None:
    """However often one looks."""
    fill(small, 5)
    assert small.retention.expire_by_size() == 0
    assert len(small.spans()) == 5 * 900


def test_ages_and_sizes_are_read_as_people_write_them() -> None:
    """Units are named; `off` means no limit."""
    assert [parse_age(text, "retention") for text in ("90s", "30m", "12h", "7d", "2w", "1.5d", " 7 d ", "off")] == [
        90, 1_800, 43_200, 604_800, 1_209_600, 129_600, 604_800, None,
    ]  # fmt: skip
    assert [parse_size(text, "max-size") for text in ("500MB", "2GB", "1.5gb", "64MiB", "1TB", "OFF")] == [
        500_000_000, 2_000_000_000, 1_500_000_000, 64 << 20, 10**12, None,
    ]  # fmt: skip
    assert [age_text(seconds) for seconds in (604_800.0, 5_400.0, 90.0, None)] == ["7d", "90m", "90s", "off"]
    assert [size_text(size) for size in (2_000_000_000, 35_500_000, 12, None)] == ["2 GB", "35.5 MB", "12 bytes", "off"]


@pytest.mark.parametrize("text", ["", "7", "d", "7y", "-1d", "0s", "1e3d", "7d 3h", "nan", "9999999d", "٧d"])
def test_an_invalid_age_is_refused_by_the_options_name(text: str) -> None:
    """With examples of valid ones."""
    with pytest.raises(SettingsError, match=r"--retention .* is not an age; write 12h, 7d or 4w"):
        parse_age(text, "retention")


@pytest.mark.parametrize("text", ["", "2", "GB", "2GBit", "-1GB", "0MB", "2 G B", "inf", "1e9", "99999999TB"])
def test_an_invalid_size_is_refused_by_the_options_name(text: str) -> None:
    """With examples of valid ones."""
    with pytest.raises(SettingsError, match=r"--max-size .* is not a size; write 500MB or 2GB"):
        parse_size(text, "max-size")


def test_a_size_that_no_store_fits_in_is_refused() -> None:
    """The least is named."""
    with pytest.raises(SettingsError, match="max_store_bytes=1000000 is below 32000000"):
        CollectorSettings(max_store_bytes=1_000_000)
