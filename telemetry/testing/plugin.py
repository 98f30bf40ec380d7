"""The pytest plugin: fixtures for tests of instrumented code.

In: tests that ask for a fixture. Out: what they recorded. State: none here. A test that does not ask is not touched,
and nothing heavy is imported until one does: the SDK only by a fixture.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from telemetry.testing.metrics import Metrics
    from telemetry.testing.spans import Spans


@pytest.fixture
def spans() -> "Iterator[Spans]":
    """Every span that ends during the test, with ids and times that are the same in every run."""
    from telemetry.testing.recording import record_spans

    with record_spans() as recorded:
        yield recorded


@pytest.fixture
def metrics() -> "Iterator[Metrics]":
    """Every value that the helpers of this library measure during the test."""
    from telemetry.testing.recording import record_metrics

    with record_metrics() as recorded:
        yield recorded
