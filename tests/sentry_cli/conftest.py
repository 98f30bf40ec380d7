"""The demo's spans, errors and log records, as Sentry would hold them; tests run where `make browser` has been."""

import pytest

from benchmarks.incident_recording import Recording
from tests.sentry_cli.cli import missing
from tests.sentry_cli.items import Row, collected

TRACES = 40
"""Of each kind: enough for a row in each table, and read in seconds."""


@pytest.fixture(scope="session", autouse=True)
def _command_line_is_installed() -> None:
    """Skip, saying what is missing."""
    if why := missing():
        pytest.skip(why)


@pytest.fixture(scope="session")
def demo_items(recorded_incidents: Recording) -> dict[str, list[Row]]:
    """Rows by dataset, of the recorded incidents, through the local collector's API."""
    return collected(recorded_incidents.ask, TRACES)
