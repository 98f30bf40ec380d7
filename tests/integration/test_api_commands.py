"""The commands as real processes: a collector in the foreground, readers beside it and after it."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

import httpx
import pytest

from telemetry import cli
from tests.integration.otlp_by_hand import MS, START, pairs, send, span

TELEMETRY = str(Path(sys.executable).with_name("telemetry"))
A, B = "a" * 32, "ab" * 16
RPC = {"rpc.system.name": "grpc"}


def environment(home: Path) -> dict[str, str]:
    """A terminal of 80 columns without colours, and a home of its own."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("COV_")}
    return kept | {"HOME": str(home), "XDG_DATA_HOME": str(home), "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}


@dataclass
class Running:
    """A collector in a process of its own."""

    process: subprocess.Popen[str]
    store: Path
    banner: str
    http: str
    api: str

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Its exit status and what it printed at the end."""
        self.process.send_signal(number)
        output, _ = self.process.communicate(timeout=30)
        return self.process.returncode, output


class Told(NamedTuple):
    """What came of a command."""

    returncode: int
    stdout: str
    stderr: str


Shell = Callable[..., Told]


@contextmanager
def collecting(home: Path) -> Iterator[Running]:
    store = home / "own" / "store.duckdb"
    ports = [part for name in ("--grpc", "--http", "--api") for part in (name, "127.0.0.1:0")]
    process = subprocess.Popen(
        [TELEMETRY, "collect", "--store", str(store), *ports],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(home),
    )
    try:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:  # the banner is whole when its last line is there
            lines.append(line)
            if "Ctrl-C" in line:
                break
        banner = "".join(lines)
        desk, http, api = re.findall(r"http://(127\.0\.0\.1:\d+)", banner)
        assert desk == api
        yield Running(process, store, banner, http, api)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Runs a command in this process: its exit status, and what it wrote to a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: str) -> Told:
        status = cli.main(arguments)
        return Told(status, *capsys.readouterr())

    return run


def telemetry(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [TELEMETRY, *arguments], capture_output=True, text=True, env=environment(home), timeout=60, check=False
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def running(home: Path) -> Iterator[Running]:
    """A collector that was sent a search with an error, and another trace."""
    with collecting(home) as running:
        search = [
            span(A, 1, None, "/search", "server", start_ms=0, end_ms=50, attributes=RPC),
            span(A, 2, 1, "encode", start_ms=10, end_ms=40, error="no model", attributes={"len_docs": 3}),
        ]
        send(running.http, "traces", "gateway", search)
        send(running.http, "traces", "gateway", [span(B, 1, None, "/index", start_ms=1000, end_ms=1200)])
        point = {"timeUnixNano": "1700000000000000000", "asInt": "42", "attributes": []}
        total = {"aggregationTemporality": 2, "isMonotonic": True, "dataPoints": [point]}
        send(running.http, "metrics", "gateway", [{"name": "search.documents", "unit": "{document}", "sum": total}])
        batch = span("ba" * 16, 1, None, "batch", start_ms=2000, end_ms=2100)
        send(running.http, "traces", "gateway", [batch])
        record = {"timeUnixNano": str(START + 20 * MS), "traceId": A, "spanId": f"{2:016x}", "severityNumber": 13}
        noted = {"body": {"stringValue": "the model is old"}, "attributes": pairs({"age_days": 400})}
        send(running.http, "logs", "gateway", [record | noted])
        full = {"timeUnixNano": str(START), "severityNumber": 17, "body": {"stringValue": "no room"}}
        send(running.http, "logs", "indexer", [full])
        yield running


TREE = dedent("""\
    /search  50.0 ms · 2 spans · 1 service  ✗ 1 error
    trace aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa · 2023-11-14 22:13:20 UTC

      span             service    time    self 0                             50.0 ms
    ● /search          gateway 50.0 ms 20.0 ms ━━━━━━━━─────────────────────━━━━━━━━
    ● └ ✗ encode       gateway 30.0 ms 30.0 ms        ━━━━━━━━━━━━━━━━━━━━━━━
        │ ✗ no model
        │ len_docs=3
        └ • WARN the model is old                            •

    ● waited for encode 30.0 ms (60 %), /search 20.0 ms (40 %)
    """)


def test_the_banner_shows_where_the_collector_listens(running: Running) -> None:
    """With the real ports, when it is ready, and without a line too many."""
    assert running.banner.startswith("● search-telemetry collector is ready\n")
    assert re.search(r"OTLP over gRPC +127\.0\.0\.1:[1-9]\d*\n", running.banner)
    assert f"{running.store}  0 traces · 0 spans\n" in running.banner


def test_a_trace_as_a_tree(shell: Shell, running: Running) -> None:
    """The whole output of `telemetry trace`, with what was logged meanwhile."""
    shown = shell("trace", "aaaa", "--api", running.api, "--wait", "5s")
    assert shown.stderr == ""
    assert shown.stdout == TREE


def test_the_last_trace_is_the_latest_whatever_its_root(shell: Shell, running: Running) -> None:
    """Here one that begins without an rpc, as the README's first snippet makes it; the batch after it is left out."""
    shown = shell("trace", "last", "--api", running.api)
    assert shown.stdout.startswith("/index  200 ms · 1 span · 1 service\n")


def test_log_records_of_a_trace_a_service_and_a_level(shell: Shell, running: Running) -> None:
    """The latest last, each with its attributes."""
    shown = shell("logs", "--trace", "aaaa", "--api", running.api).stdout
    assert shown == dedent("""\
        2023-11-14 UTC
        22:13:20.020 WARN  gateway        the model is old
                                          age_days=400
        """)
    by_level = shell("logs", "--level", "error", "--api", running.api).stdout
    assert [line.split()[1:] for line in by_level.splitlines()[1:]] == [["ERROR", "indexer", "no", "room"]]
    assert shell("logs", "--service", "indexer", "--level", "debug", "--api", running.api).stdout == by_level


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        (("services",), "/api/services"),
        (("services", "--service", "gateway"), "/api/operations?service=gateway"),
        (("traces", "--limit", "20"), "/api/traces?limit=20"),
        (("trace", "last"), "/api/traces/last"),
        (("traces", "service=indexer", "--slowest"), "/api/traces?filter=service=indexer&order=duration&limit=20"),
        (("logs", "level>=warn model", "--limit", "10"), "/api/logs?filter=level>=warn+model&limit=10"),
        (("logs", "--limit", "10", "--level", "warn"), "/api/logs?limit=10&level=warn"),
        (("metrics",), "/api/metrics"),
        (("metrics", "search.documents"), "/api/metrics/search.documents"),
    ],
    ids=" ".join,
)
def test_json_is_the_answer_of_the_api(shell: Shell, running: Running, arguments: tuple[str, ...], path: str) -> None:
    """Scripts get from the command what they would get over HTTP.

    The collector may add a metric of its own meanwhile: what the command shows lies between two equal answers.
    """

    def answer() -> Any:
        return httpx.get(f"http://{running.api}{path}", trust_env=False).json()

    before, shown = answer(), shell(*arguments, "--json", "--api", running.api)
    while (after := answer()) != before:
        before, shown = after, shell(*arguments, "--json", "--api", running.api)
    assert json.loads(shown.stdout) == before


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), ["abababab", "aaaaaaaa"]),
        (("--batches",), ["babababa", "abababab", "aaaaaaaa"]),
        (("--service", "gateway", "--operation", "encode"), ["aaaaaaaa"]),
        (("--status", "error"), ["aaaaaaaa"]),
        (("--min-duration", "100ms"), ["abababab"]),
        (("--attribute", "len_docs=3", "--attribute", "rpc.system.name=grpc"), ["aaaaaaaa"]),
        (("--attribute", "len_docs=4"), []),
        (("--limit", "1"), ["abababab"]),
    ],
    ids=str,
)
def test_traces_by_filter(shell: Shell, running: Running, arguments: tuple[str, ...], expected: list[str]) -> None:
    """Each option narrows the table as the API's parameter does."""
    shown = shell("traces", *arguments, "--api", running.api)
    assert shown.returncode == 0
    assert [line.split()[0] for line in shown.stdout.splitlines() if re.match("[0-9a-f]{8} ", line)] == expected


def test_services_and_metrics_as_tables(shell: Shell, running: Running) -> None:
    """Names, counts and values stand in the tables."""
    services = shell("services", "--api", running.api).stdout.splitlines()
    assert services[0].split() == ["operation", "kind", "count", "errors", "p50", "p95", "p99"]
    assert services[6].split() == ["encode", "internal", "1", "100", "%", "30.0", "ms", "30.0", "ms", "30.0", "ms"]
    assert "search.documents" in shell("metrics", "--api", running.api).stdout
    shown = shell("metrics", "search.documents", "--api", running.api).stdout
    assert shown.splitlines()[0] == "search.documents · sum, {document}"
    assert [line.split() for line in shown.splitlines()[-2:]] == [["gateway"], ["all", "42"]]


def test_a_picture_for_the_readme(shell: Shell, running: Running, tmp_path: Path) -> None:
    """An SVG with the tree in it."""
    picture = tmp_path / "trace.svg"
    shell("trace", "aaaa", "--api", running.api, "--svg", str(picture))
    text = picture.read_text("utf-8")
    assert text.startswith("<svg")
    assert "telemetry&#160;trace" in text.replace(" ", "&#160;")
    assert "encode" in text
    assert set(re.findall(r"https?://[^\"'\s)<]+", text)) == {"http://www.w3.org/2000/svg", "https://www.textualize.io"}


MISTAKES = [
    (("trace", "ffff"), "There is no span of trace ffff.\nList the traces: telemetry traces.\n"),
    (("trace", "a"), f"Several traces begin with a: {A} and {B}.\nUse more digits of the id.\n"),
    (("trace", "last", "--wait", "5"), "--wait '5' is not a duration.\nWrite a number and a unit: --wait 5s.\n"),
    (("trace", "last", "--wait", "2m"), "--wait: must be at most 60s, got 2m.\nRepeat the command to wait longer.\n"),
    (
        ("traces", "--min-duration", "50"),
        "--min-duration '50' is not a duration.\nWrite a number and a unit: --min-duration 50ms.\n",
    ),
    (("traces", "--limit", "0"), "--limit: must be 1 to 10000, got 0.\nSee telemetry traces --help.\n"),
    (
        ("traces", "--attribute", "x"),
        dedent("""\
            --attribute 'x' is not a filter.
            Write --attribute KEY=VALUE, for example --attribute db.collection.name=pamazon.
            """),
    ),
    (
        ("traces", "--before", "x"),
        dedent("""\
            --before 'x' is not a cursor of this list.
            Use `next` of the previous page, or leave it out for the first page.
            """),
    ),
    (("traces", "--status", "eror"), "--status 'eror' is not one of unset, ok, error.\nDid you mean error?\n"),
    (("traces", "--sevice", "x"), "telemetry traces has no option --sevice.\nDid you mean --service?\n"),
    (("traces", "--service", "gatway"), "There is no service 'gatway'.\nDid you mean gateway?\n"),
    (("traces", "--operation", "serch"), "There is no operation 'serch'.\nDid you mean /search?\n"),
    (("services", "--service", "xyz"), "There is no service 'xyz'.\nList them: telemetry services.\n"),
    (("logs", "--service", "gatewy"), "There is no log record of a service 'gatewy'.\nDid you mean gateway?\n"),
    (("metrics", "search_documents"), "There is no metric 'search_documents'.\nDid you mean search.documents?\n"),
    (("traec", "last"), "telemetry has no command 'traec'.\nDid you mean trace or traces?\n"),
    (("metrics", "nothing"), "There is no metric 'nothing'.\nList them: telemetry metrics.\n"),
    (
        ("trace", "last", "--svg", "/no/folder/x.svg"),
        "The picture cannot be written to /no/folder/x.svg: No such file or directory.\nUse another file.\n",
    ),
    (("traces", "--slowest", "--follow"), "--slowest and --follow are both given.\nUse one of them.\n"),
    (("traces", "--shared", "--follow"), "--shared and --follow are both given.\nUse one of them.\n"),
    (("traces", "--until", "5m", "--follow"), "--until and --follow are both given.\nUse one of them.\n"),
    (("logs", "--follow", "--until", "5m"), "--until and --follow are both given.\nUse one of them.\n"),
    (
        ("metrics", "search.documents", "--by", "service.nmae"),
        "The metric search.documents has no attribute 'service.nmae'.\nDid you mean service.name?\n",
    ),
    (
        ("metrics", "--since", "5m"),
        dedent("""\
            --by, --attribute, --since and --until need the name of a metric.
            Give it, as in `telemetry metrics search.client.duration`; `telemetry metrics` lists them.
            """),
    ),
    (("traces", "--store", "x"), "--api and --store are both given.\nUse one of them.\n"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES, ids=[" ".join(row[0]) for row in MISTAKES])
def test_a_users_mistake_is_reported_in_two_lines(
    shell: Shell, running: Running, arguments: tuple[str, ...], message: str
) -> None:
    """What is wrong and how to fix it, on standard error, status 2."""
    shown = shell(*arguments, "--api", running.api)
    assert (shown.returncode, shown.stdout, shown.stderr) == (2, "", message)


def test_json_of_a_service_that_is_not_there_yet_is_an_empty_list(shell: Shell, running: Running) -> None:
    """A script that waits for a service sees no mistake."""
    shown = shell("traces", "--service", "not_yet", "--json", "--api", running.api)
    assert (shown.returncode, json.loads(shown.stdout)["traces"], shown.stderr) == (0, [], "")


def test_a_store_in_use_is_read_through_its_collector(shell: Shell, running: Running) -> None:
    """The message names the process and what to do."""
    shown = shell("traces", "--store", str(running.store))
    assert shown.returncode == 2
    assert f"in use by another process (pid {running.process.pid}: telemetry collect)" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_no_server_at_the_address_is_reported(shell: Shell) -> None:
    """With the command that starts a collector."""
    shown = shell("traces", "--api", "127.0.0.1:1")
    assert shown.returncode == 2
    assert shown.stderr.startswith("No collector responds at 127.0.0.1:1: ")
    assert "telemetry collect" in shown.stderr


def test_a_reader_that_leaves_early_is_not_an_error(home: Path, running: Running) -> None:
    """`telemetry traces | head -0` prints no stack trace."""
    read, write = os.pipe()
    os.close(read)
    process = subprocess.run(
        [TELEMETRY, "traces", "--api", running.api],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(home),
        timeout=60,
        check=False,
    )
    os.close(write)
    assert process.stderr == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_the_collector_ends_with_a_summary_and_its_store_is_readable(tmp_path: Path, number: signal.Signals) -> None:
    """On Ctrl-C and on SIGTERM: status 0, the counts by signal, and everything acknowledged is in the file."""
    with collecting(tmp_path) as running:
        send(running.http, "traces", "gateway", [span(A, 1, None, "/search", "server", attributes=RPC)])
        status, output = running.end(number)
    assert status == 0
    assert re.search(r"^traces +1 +1 +0 +0 +0 +0$", output, re.MULTILINE)
    assert (
        "/search  10.0 ms · 1 span · 1 service"
        in telemetry(tmp_path, "trace", "last", "--store", str(running.store)).stdout
    )


def test_a_store_whose_collector_was_killed_is_readable(tmp_path: Path) -> None:
    """Kill -9 takes nothing that was acknowledged."""
    with collecting(tmp_path) as running:
        send(running.http, "traces", "gateway", [span(A, 1, None, "/search", "server", attributes=RPC)])
        running.end(signal.SIGKILL)
    assert "/search" in telemetry(tmp_path, "trace", "aaaa", "--store", str(running.store)).stdout
