"""The pytest plugin of search-telemetry: fixtures for tests of instrumented code.

pytest imports it in every project, and a project may have a `telemetry.py` of its own. So it is outside the package,
under a unique name, and imports the package only when a test uses a fixture.
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
    """Add the option that updates snapshots."""
    group = parser.getgroup("search-telemetry")
    group.addoption(_UPDATE, action="store_true", help="overwrite the snapshots of `spans.assert_snapshot()`")


@pytest.fixture
def spans(request: pytest.FixtureRequest) -> "Iterator[Spans]":
    """The spans that end during the test, with the same ids and times in every run."""
    recording = _recording()
    from telemetry.testing.snapshots import SnapshotFile

    test = request.node.nodeid.partition("::")[2] or request.node.name
    snapshots = SnapshotFile(request.path, test, update=request.config.getoption(_UPDATE))
    with recording.record_spans(snapshots) as recorded:
        yield recorded


@pytest.fixture
def metrics() -> "Iterator[Metrics]":
    """The values that this library and the user's own instruments measure during the test."""
    with _recording().record_metrics() as recorded:
        yield recorded


@pytest.fixture
def logs() -> "Iterator[Logs]":
    """The log records of the test, each with its trace and span."""
    with _recording().record_logs() as recorded:
        yield recorded


def _recording() -> "ModuleType":
    """Import the package; if another module hides it, fail the test and name the file."""
    try:
        from telemetry.testing import recording
    except ImportError:
        other = sys.modules.get("telemetry")
        if other is None or hasattr(other, "__path__"):
            raise
        pytest.fail(
            f"this fixture needs the package telemetry, which {other.__file__} hides; "
            "rename that file, or disable this plugin by -p no:search_telemetry",
            pytrace=False,
        )
    return recording
