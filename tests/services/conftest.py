"""One local collector, a process of its own, for all services."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.services.asking import Collector
from tests.services.running import PATIENCE, environment, running

ADDRESSES = [word for port in ("grpc", "http", "api") for word in (f"--{port}", "127.0.0.1:0")]


@pytest.fixture(scope="session")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """A collector that runs."""
    for package in ("duckdb", "starlette"):
        pytest.importorskip(
            package, reason="the local collector is not installed: pip install 'search-telemetry[local]'"
        )
    folder = tmp_path_factory.mktemp("collector")
    main = "import search_telemetry_command as command; raise SystemExit(command.main())"
    command = ("-c", main, "collect", "--store", str(folder / "store.duckdb"), *ADDRESSES)
    with (
        running(*command, ready="  access ", folder=folder, variables=environment()) as output,
        httpx.Client(trust_env=False, timeout=PATIENCE) as client,
    ):
        yield Collector(client, *re.findall(r"127\.0\.0\.1:\d+", output)[1:])
