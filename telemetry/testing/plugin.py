"""The pytest plugin: fixtures for tests of instrumented code.

In: tests that ask for a fixture. Out: what they recorded. State: none here. A test that does not ask is not touched,
and nothing heavy is imported until one does: the SDK only by a fixture.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from telemetry.testing.logs import Logs
    from telemetry.testing.metrics import Metrics
    from telemetry.testing.spans import Spans


_UPDATE = "--update-span-snapshots"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our option."""
    group = parser.getgroup("search-telemetry")
    group.addoption(_UPDATE, action="store_true", help="write the snapshots of `spans.assert_snapshot()` anew")


@pytest.fixture
def spans(request: pytest.FixtureRequest) -> "Iterator[Spans]":
    """Every span that ends during the test, with ids and times that are the same in every run."""
    from telemetry.testing.recording import record_spans
    from telemetry.testing.snapshots import SnapshotFile

    test = request.node.nodeid.partition("::")[2] or request.node.name
    with record_spans(SnapshotFile(request.path, test, update=request.config.getoption(_UPDATE))) as recorded:
        yield recorded


@pytest.fixture
def metrics() -> "Iterator[Metrics]":
    """Every value that the helpers of this library and the user's own instruments measure during the test."""
    from telemetry.testing.recording import record_metrics

    with record_metrics() as recorded:
        yield recorded


@pytest.fixture
def logs() -> "Iterator[Logs]":
    """Every record of `logging` made during the test, with its trace and its span."""
    from telemetry.testing.recording import record_logs

    with record_logs() as recorded:
        yield recorded
