"""Fixtures that tests of several folders share."""

import gc
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace import TracerProvider

from telemetry import conventions as c
from telemetry.recording.guard import guard
from telemetry.recording.request.bounds import bounds
from telemetry.testing import recording

if TYPE_CHECKING:
    from tests.otlp_stand_in import StandIn

# Where the library is installed alone, Pamazon does not run, and only the tests of `tests.library_alone` do.
pytest_plugins = ("tests.pamazon_fixtures", "tests.incident_fixtures") if find_spec("onnxruntime") else ()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--engine=sdk`: the fixture `spans` records with the tracer provider of OpenTelemetry's SDK."""
    parser.addoption("--engine", choices=("ours", "sdk"), default="ours", help="tracer provider of the fixture spans")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the tracer provider."""
    if config.getoption("--engine") == "sdk":
        recording._Process.provider_class = TracerProvider


@pytest.fixture(autouse=True)
def _faults_of_ours_are_errors() -> Iterator[None]:
    """A fault inside the library, which a host never sees, fails the test; and no thread of ours outlives it."""
    before = set(threading.enumerate())
    guard.strict = True
    yield
    guard.strict = False
    left = [thread.name for thread in threading.enumerate() if thread not in before]
    assert [name for name in left if name.startswith("search-telemetry-")] == []


@pytest.fixture
def regions() -> Iterator[tuple[str, ...]]:
    """The countries that a process has named."""
    named = ("de", "us")
    bounds.close(c.CLIENT_REGION, named)
    yield named
    bounds.close(c.CLIENT_REGION, ())


@pytest.fixture(autouse=True)
def _every_span_ends(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that records spans leaves none open, once the generators that it dropped are collected."""
    recorded = request.getfixturevalue("spans") if "spans" in request.fixturenames else None
    yield
    if recorded is not None and recorded.open:
        gc.collect()
        assert recorded.open == []


@pytest.fixture
def collector() -> Iterator["StandIn"]:
    """A collector that keeps what it gets; tests of other collectors have a fixture of their own by this name."""
    from tests.otlp_stand_in import stand_in

    with stand_in() as running:
        yield running
