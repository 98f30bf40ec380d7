"""Runs OpenTelemetry's own tests of spans, samplers, limits and propagation on our tracer provider: `make test-sdk`.

In: the installed versions; their source distributions, from the registry. Out: how many tests pass on the SDK's
provider and on ours, which do not, and why; exit status 1 if that is not what `NOT_OURS` says. State: the sources, in
the user's cache by version: none of them is a part of this repository.

Then OpenInference and Traceloop, in an environment of their own, on both providers: see `neighbours`.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import platformdirs

from tests.environments import UV, call, made

HERE: Final = Path(__file__).parent
SDK: Final = version("opentelemetry-sdk")
CACHE: Final = platformdirs.user_cache_path("search-telemetry") / "sdk-suites" / SDK
UTILITIES: Final = ("opentelemetry-test-utils", version("opentelemetry-semantic-conventions"))

SUITES: Final = {
    ("opentelemetry-sdk", SDK): (
        "tests/trace", "tests/context", "tests/shared_internal", "tests/test_configurator.py", "tests/error_handler",
        "tests/logs/test_handler.py", "tests/logs/test_export.py",
    ),
    ("opentelemetry-api", version("opentelemetry-api")): (
        "tests/trace", "tests/propagators", "tests/context", "tests/util",
    ),
    ("opentelemetry-propagator-b3", version("opentelemetry-propagator-b3")): ("tests",),
    ("opentelemetry-propagator-jaeger", version("opentelemetry-propagator-jaeger")): ("tests",),
    ("opentelemetry-exporter-otlp-proto-common", version("opentelemetry-exporter-otlp-proto-common")): (
        "tests/test_trace_encoder.py",
    ),
}  # fmt: skip
"""Folders of tests, by distribution and version."""

NEIGHBOURS: Final = ("openinference-instrumentation", "traceloop-sdk", "httpx", "pydantic")
"""What `neighbours` needs; the last two are imported by the first two, and not named by them."""

NOT_OURS: Final = {
    "test_start_span_implicit": "asks that `child.parent` *is* the parent's context; ours is an equal one",
    "test_start_as_current_span_implicit": "as above",
    "test_start_as_current_span_decorator": "as above",
}
"""Tests that fail on our provider alone, and why."""


def main() -> int:
    """Run all suites on both engines, and print the result."""
    unexpected = 0
    utilities = _source(*UTILITIES) / "src"
    for (name, number), tests in SUITES.items():
        source = _source(name, number)
        theirs, ours = (_run(source, utilities, tests, engine) for engine in ("sdk", "ours"))
        failed = sorted(set(ours["failed"]) - set(theirs["failed"]))
        sys.stdout.write(
            f"{name} {number}: on the SDK {len(theirs['passed'])} pass, {len(theirs['failed'])} fail; "
            f"on ours {len(ours['passed'])} pass, {len(failed)} fail that pass there ({ours['spans']} spans of ours)\n"
        )
        for test in failed:
            reason = NOT_OURS.get(test.rpartition("::")[2])
            unexpected += reason is None
            sys.stdout.write(f"  {test}: {reason or 'NOT KNOWN'}\n")
    return bool(unexpected) or _neighbours()


def _neighbours() -> int:
    """Run `neighbours` with the current releases of those libraries; return its exit status."""
    lock = call(*UV, "pip", "compile", "--no-header", "--no-annotate", "-", given="\n".join(NEIGHBOURS))
    folder = made("neighbours", sys.executable, lock)
    command = (str(folder / "bin/python"), str(HERE / "neighbours.py"))
    ended = subprocess.run(
        command, env={"PYTHONPATH": str(HERE.parents[1])}, check=False, capture_output=True, text=True
    )
    versions = [line for line in lock.splitlines() if line.partition("==")[0] in {*NEIGHBOURS, "opentelemetry-sdk"}]
    sys.stdout.write(f"{', '.join(versions)}: {ended.stderr if ended.returncode else 'equal on both'}\n")
    return ended.returncode


def _run(source: Path, utilities: Path, tests: tuple[str, ...], engine: str) -> Any:
    """Run tests in a process of their own; return what `sdk_engine` wrote."""
    with tempfile.TemporaryDirectory() as folder:
        results, log = Path(folder, "results.json"), CACHE / f"{source.name}-{engine}.log"
        command = ("-m", "pytest", "-p", "sdk_engine", "-p", "no:search_telemetry", "-p", "no:cacheprovider")
        options = ("-q", "-W", "ignore", "--timeout", "120", "--rootdir", str(source), *tests)
        path = (str(utilities), str(HERE.parents[1]), str(HERE))
        environment = {
            "PYTHONPATH": os.pathsep.join(path),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "SEARCH_TELEMETRY_ENGINE": engine, "SEARCH_TELEMETRY_RESULTS": str(results), "HOME": folder,
        }  # fmt: skip
        with log.open("w") as output:
            subprocess.run(
                [sys.executable, *command, *options],
                cwd=source,
                env=environment,
                stdout=output,
                stderr=output,
                check=False,
            )
        return json.loads(results.read_text("utf-8"))


def _source(name: str, number: str) -> Path:
    """Return the folder of a source distribution, downloaded where it is not there yet."""
    folder = CACHE / f"{name.replace('-', '_')}-{number}"
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as made:
            pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "download", "--no-deps")
            call(*pip, "--no-binary", ":all:", "--dest", made, f"{name}=={number}")
            (archive,) = Path(made).glob("*.tar.gz")
            with tarfile.open(archive) as packed:
                packed.extractall(made, filter="data")
            shutil.move(Path(made, folder.name), folder)
    return folder


if __name__ == "__main__":
    sys.exit(main())
