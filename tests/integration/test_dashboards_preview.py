"""`telemetry dashboards preview` as a process: the page, the boards, and the way to Prometheus."""

import http.client
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from dashboards.boards import BOARDS
from telemetry.cli import main
from tests.integration.prometheus_stand_in import Asked, prometheus

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
QUERY = "/prometheus/api/v1/query"


@contextmanager
def preview(page: Path, to: str, *more: str) -> Iterator[tuple[httpx.Client, "subprocess.Popen[str]"]]:
    """The command, on a free port; a client of it, and its process."""
    command = [sys.executable, "-m", "telemetry", "dashboards", "preview", "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(
        [*command, "--page", str(page), "--prometheus", to, *more],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        try:
            first = process.stdout.readline()
            assert first.startswith("● boards at http://"), first + process.stdout.read()
            with httpx.Client(base_url=first.split()[3], trust_env=False, timeout=20) as client:
                yield client, process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page as it is built, with nothing on it."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "assets").mkdir()
    (folder / "index.html").write_text("<!doctype html><title>Boards</title>", encoding="utf-8")
    (folder / "assets" / "page.js").write_text("let drawn;", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def asked() -> Iterator[Asked]:
    with prometheus() as server:
        yield server


@pytest.fixture(scope="module")
def client(page: Path, asked: Asked) -> Iterator[httpx.Client]:
    with preview(page, f"http://{asked.address}") as (client, _):
        yield client


def test_the_page_is_served_where_links_of_alerts_lead(client: httpx.Client) -> None:
    """At `/`, and at Grafana's path of each board; its script alone may run, and no other page may frame it."""
    for path in ("/", *(f"/d/{board.uid}?var-service=gateway" for board in BOARDS)):
        answer = client.get(path)
        assert (answer.status_code, "<title>Boards</title>" in answer.text) == (200, True)
        policy = answer.headers["content-security-policy"]
        assert ("default-src 'self'" in policy, "frame-ancestors 'none'" in policy) == (True, True)
    assert client.get("/assets/page.js").text == "let drawn;"
    assert client.get("/assets/../index.html/../../etc/passwd").status_code == 404


def test_boards_are_listed_in_their_order_and_served(client: httpx.Client) -> None:
    """With titles and questions; each with the page's own panels, or with those of Perses alone."""
    listed = client.get("/api/boards").json()
    assert [each["uid"] for each in listed] == [board.uid for board in BOARDS]
    assert [each["question"] for each in listed] == [board.question for board in BOARDS]
    own, plain = (client.get(f"/api/boards/search-overview{ending}").json() for ending in ("", "?plain"))
    kinds = [{p["spec"]["plugin"]["kind"] for p in each["spec"]["panels"].values()} for each in (own, plain)]
    assert ("SearchTable" in kinds[0], "Table" in kinds[0]) == (True, False)
    assert ("SearchTable" in kinds[1], "Table" in kinds[1]) == (False, True)
    missing = client.get("/api/boards/none")
    assert (missing.status_code, missing.json()) == (404, {"error": "There is no such board."})


def jaeger_of(page: Path, address: str, *options: str) -> str:
    """Jaeger's address on a board."""
    with preview(page, f"http://{address}", *options) as (client, _):
        variables = client.get("/api/boards/search-overview").json()["spec"]["variables"]
    (address,) = (each["spec"]["value"] for each in variables if each["spec"]["name"] == "jaeger")
    return address


def test_links_to_traces_lead_to_the_jaeger_that_was_given(page: Path, asked: Asked) -> None:
    """Or nowhere: if none was given, or if it is built without its page; one that is away may have it."""
    url = f"http://{asked.address}"
    assert jaeger_of(page, asked.address, "--jaeger", f"{url}/") == url
    assert jaeger_of(page, asked.address, "--jaeger", "") == ""
    asked.answer = {"text": "a binary that was not compiled with the UI assets"}
    try:
        assert jaeger_of(page, asked.address, "--jaeger", url) == ""
    finally:
        asked.answer = Asked().answer
    with prometheus() as gone:
        away = f"http://{gone.address}"
    assert jaeger_of(page, asked.address, "--jaeger", away) == away


def test_queries_reach_prometheus_as_they_were_asked(client: httpx.Client, asked: Asked) -> None:
    """By GET and by POST, with text and form unchanged; what Prometheus refuses is refused with its words."""
    asked.requests.clear()
    assert client.get(f"{QUERY}?query=up%7Ba%3D%22b%22%7D&time=1").json()["status"] == "success"
    client.post("/prometheus/api/v1/query_range", content="query=up&start=1&end=2&step=1", headers=FORM)
    client.get("/prometheus/api/v1/label/search_stage/values?match%5B%5D=up")
    assert asked.requests == [
        ("GET", "/api/v1/query?query=up%7Ba%3D%22b%22%7D&time=1", "", None),
        ("POST", "/api/v1/query_range", "query=up&start=1&end=2&step=1", None),
        ("GET", "/api/v1/label/search_stage/values?match%5B%5D=up", "", None),
    ]
    asked.status, asked.answer = 400, (refused := {"status": "error", "errorType": "bad_data", "error": "no"})
    try:
        answer = client.get(QUERY)
    finally:
        asked.status, asked.answer = 200, Asked().answer
    assert (answer.status_code, answer.json()) == (400, refused)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/api/v1/admin/tsdb/delete_series?match[]=up", 404),
        ("POST", "/-/quit", 404),
        ("GET", "/api/v1/status/config", 404),
        ("GET", "/api/v1/label/../status/config/values", 404),
        ("GET", "/api/v1/query/../status/config", 404),
        ("GET", "/api/v1/label/%2e%2e%2fstatus%2fconfig/values", 404),
        ("DELETE", "/api/v1/series", 405),
    ],
)
def test_nothing_but_queries_reaches_prometheus(
    client: httpx.Client, asked: Asked, method: str, path: str, status: int
) -> None:
    """No administration, no configuration, not by a path that climbs, not by another method."""
    asked.requests.clear()
    connection = http.client.HTTPConnection(client.base_url.host, client.base_url.port, timeout=20)
    connection.request(method, f"/prometheus{path}")  # the path as it is: httpx would shorten it
    answer = connection.getresponse()
    assert (answer.status, asked.requests) == (status, [])
    connection.close()


def test_pages_of_other_sites_may_not_ask(client: httpx.Client, asked: Asked) -> None:
    """Not by a foreign name, not from a foreign page; but by addresses and `localhost`, and from the page itself."""
    asked.requests.clear()
    port = client.base_url.port
    for headers in ({"Host": "evil.example"}, {"Host": f"evil.example:{port}"}, {"Origin": "http://evil.example"}):
        answer = client.get(QUERY, headers=headers)
        assert (answer.status_code, asked.requests) == (403, [])
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"):
        assert client.get(QUERY, headers={"Host": host, "Origin": f"http://{host}"}).status_code == 200


def test_a_prometheus_that_is_away_is_named_until_it_is_back(page: Path) -> None:
    """By the command, to the page, and in the answer of each query, which panels show."""
    with prometheus() as gone:
        away = gone.address
    with preview(page, f"http://{away}") as (client, process):
        problem = f"Prometheus cannot be reached at http://{away}: All connection attempts failed"
        assert process.stdout is not None
        assert [process.stdout.readline(), process.stdout.readline()] == [
            f"  data of http://{away}\n", f"! {problem}. The page shows when it can.\n",
        ]  # fmt: skip
        answer = client.get(f"{QUERY}?query=up")
        assert (answer.status_code, answer.json()) == (
            502, {"status": "error", "errorType": "unavailable", "error": problem},
        )  # fmt: skip
        assert client.get("/api/about").json() == {"prometheus": f"http://{away}", "problem": problem}
        with prometheus(int(away.rpartition(":")[2])):
            assert client.get("/api/about").json()["problem"] == ""
            assert client.get(f"{QUERY}?query=up").status_code == 200


def test_a_password_of_prometheus_is_sent_and_not_shown(page: Path, asked: Asked) -> None:
    """As HTTP's basic authentication; the page and the terminal have the address without it."""
    asked.requests.clear()
    with preview(page, f"http://me:secret@{asked.address}/") as (client, process):
        client.get(f"{QUERY}?query=up")
        assert {authorization for *_, authorization in asked.requests} == {"Basic bWU6c2VjcmV0"}
        assert client.get("/api/about").json()["prometheus"] == f"http://{asked.address}"
        assert process.stdout is not None
        assert process.stdout.readline() == f"  data of http://{asked.address}\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_at_once(page: Path, asked: Asked, number: signal.Signals) -> None:
    """Also while a browser keeps its connection open; not a word more is printed."""
    with preview(page, f"http://{asked.address}") as (client, process):
        assert client.get("/").status_code == 200
        began = time.monotonic()
        process.send_signal(number)
        assert process.wait(timeout=10) == -number
        assert time.monotonic() - began < 2
        assert process.stdout is not None
        assert process.stdout.read() == f"  data of http://{asked.address}\n"


def test_mistakes_are_named_with_what_to_do(page: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A page that is not built, addresses that are not valid, a port that is taken."""

    def wrong(*options: str) -> tuple[int, list[str]]:
        status = main(["dashboards", "preview", *options])
        printed = capsys.readouterr()
        assert printed.out == ""
        return status, printed.err.splitlines()

    free = ("--page", str(page), "--listen", "127.0.0.1:0")
    assert wrong("--page", str(tmp_path)) == (
        2,
        [
            f"The page is not built: {tmp_path / 'index.html'} does not exist.",
            "Name the folder that make dashboards-page has printed.",
        ],
    )
    for url in ("127.0.0.1:9090", "ftp://host", "http://", "http://a:b:c", "http://host?x=1", "prometheus"):
        status, lines = wrong(*free, "--prometheus", url)
        assert (status, lines) == (
            2,
            [
                f"--prometheus {url!r} is not the URL of a Prometheus.",
                "Write http://HOST:PORT, such as http://127.0.0.1:9090.",
            ],
        )
    assert wrong(*free, "--jaeger", "jaeger:16686") == (
        2,
        [
            "--jaeger 'jaeger:16686' is not the URL of a Jaeger.",
            "Write http://HOST:PORT, such as http://127.0.0.1:16686.",
        ],
    )
    for address in ("3001", "127.0.0.1", "127.0.0.1:99999", ":3001", "127.0.0.1:x"):
        status, lines = wrong("--page", str(page), "--listen", address)
        assert (status, lines[0]) == (2, f"--listen {address!r} is not an address.")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert wrong("--page", str(page), "--listen", f"127.0.0.1:{port}") == (
            2,
            [
                f"Port {port} (127.0.0.1:{port}) is taken.",
                "Use another one: --listen 127.0.0.1:0 takes a free one.",
            ],
        )
