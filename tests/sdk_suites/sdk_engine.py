"""A plugin of pytest: tests of the SDK get our tracer provider, tracer and span by the SDK's names.

In: two environment variables, the engine (`ours` or `sdk`) and a file. Out: `opentelemetry.sdk.trace`, changed before a
test module imports it, and again where a test reloads it; in the file, as JSON, the tests that passed and that failed,
and how many spans of ours have ended. State: these.
"""

import importlib
import json
import os
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Final

from opentelemetry.sdk import trace as sdk

from telemetry.recording.traces import limits, span, span_block, tracer, tracer_provider

OURS: Final = os.environ.get("SEARCH_TELEMETRY_ENGINE") == "ours"
_reload: Final = importlib.reload
span_by_hand: Final = importlib.import_module("span_by_hand")  # beside this file: `tests` is the suite's own package


class _Done:
    ended = 0
    tests: ClassVar[dict[str, bool]] = {}


def install() -> None:
    """Put our classes where the SDK has its own."""
    was = tracer.Tracer.ended

    def ended(self: Any, one: Any) -> None:
        _Done.ended += 1
        was(self, one)

    tracer.Tracer.ended = ended  # type: ignore[method-assign, assignment]
    names = {
        "TracerProvider": tracer_provider.TracerProvider,
        "Tracer": tracer.Tracer,
        "_Span": span_by_hand.SpanByHand,
    }
    for name, ours in names.items():
        setattr(sdk, name, ours)


def reload(module: ModuleType) -> ModuleType:
    """Reload a module; if it is the SDK's, ours too, which are made of its classes."""
    module = _reload(module)
    if module is sdk:
        for one in (limits, span, span_block, tracer, tracer_provider, span_by_hand):
            _reload(one)
        install()
    return module


if OURS:
    importlib.reload = reload
    install()


def pytest_runtest_logreport(report: Any) -> None:
    """Note how a test ended: in one of its three parts, or with all of them."""
    if not report.skipped:
        _Done.tests[report.nodeid] = _Done.tests.get(report.nodeid, True) and report.passed


def pytest_sessionfinish() -> None:
    """Write what was noted."""
    passed = [name for name, good in _Done.tests.items() if good]
    failed = [name for name, good in _Done.tests.items() if not good]
    found = {"passed": passed, "failed": failed, "spans": _Done.ended}
    Path(os.environ["SEARCH_TELEMETRY_RESULTS"]).write_text(json.dumps(found), "utf-8")
