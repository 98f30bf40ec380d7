"""The pytest plugin of search-telemetry: fixtures for tests of instrumented code.

In: tests that ask for a fixture. Out: what they recorded. State: none here. It lies beside the package, under a name
that nobody else has: pytest imports it in every project, and a project may have a `telemetry.py` of its own. Nothing of
ours is imported until a test asks for a fixture.
"""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

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
    recording = _recording()
    from telemetry.testing.snapshots import SnapshotFile

    test = request.node.nodeid.partition("::")[2] or request.node.name
    snapshots = SnapshotFile(request.path, test, update=request.config.getoption(_UPDATE))
    with recording.record_spans(snapshots) as recorded:
        yield recorded


@pytest.fixture
def metrics() -> "Iterator[Metrics]":
    """Every value that the helpers of this library and the user's own instruments measure during the test."""
    with _recording().record_metrics() as recorded:
        yield recorded


@pytest.fixture
def logs() -> "Iterator[Logs]":
    """Every record of `logging` made during the test, with its trace and its span."""
    with _recording().record_logs() as recorded:
        yield recorded


def _recording() -> "ModuleType":
    """Import what records, or fail the test with the name of the file that is in the way."""
    try:
        from telemetry.testing import recording
    except ImportError:
        theirs = sys.modules.get("telemetry")
        if theirs is None or hasattr(theirs, "__path__"):
            raise
        pytest.fail(
            f"this fixture needs the package telemetry, which {theirs.__file__} hides; "
            "rename that file, or run pytest with -p no:search_telemetry and a fixture of your own",
            pytrace=False,
        )
    return recording
