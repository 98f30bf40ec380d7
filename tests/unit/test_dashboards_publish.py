"""`telemetry dashboards publish` creates and updates what Grafana needs for our boards, and says what differs."""

import socket
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from dashboards.publishing import command, session, to_grafana
from dashboards.publishing.grafana import Grafana
from telemetry.cli import main
from tests.grafana_stand_in import TOKEN, VERSION, GrafanaStandIn, Odd, grafana_stand_in

SOURCES = "/api/datasources"
SAVE = "/api/dashboards/db"
OVERVIEW = "/api/dashboards/uid/search-overview"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def grafana() -> Iterator[GrafanaStandIn]:
    with grafana_stand_in() as running:
        yield running


@pytest.fixture
def publish(grafana: GrafanaStandIn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Publish to it; return the status, and what was printed on both streams."""
    monkeypatch.setenv("GRAFANA_TOKEN", TOKEN)
    monkeypatch.setenv("PROMETHEUS_URL", "http://prometheus:9090")
    monkeypatch.setenv("JAEGER_URL", "http://jaeger:16686")
    for name in ("LOKI_URL", "ALERTMANAGER_URL", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)

    def run(*options: str, url: str | None = None) -> tuple[int, str, str]:
        status = main(["dashboards", "publish", "--grafana", url or grafana.url, *options])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def test_everything_is_created(grafana: GrafanaStandIn, publish: Run) -> None:
    """Boards arrive as they are, in the folder; data sources with their addresses and their links to one another."""
    status, out, err = publish()
    assert (status, err) == (0, "")
    assert f"Grafana {VERSION} at {grafana.url}" in out
    assert grafana.folders[to_grafana.FOLDER]["title"] == to_grafana.FOLDER_TITLE
    assert {"search-overview", "search-stage"} <= set(grafana.boards)
    for board in to_grafana.boards():
        saved = grafana.boards[board["uid"]]
        assert {**saved["dashboard"], "id": None} == {**board, "id": None, "version": 1}
        assert saved["meta"]["folderUid"] == to_grafana.FOLDER
    assert set(grafana.sources) == {"prometheus", "jaeger"}
    prometheus, jaeger = grafana.sources["prometheus"], grafana.sources["jaeger"]
    assert prometheus["url"] == "http://prometheus:9090"
    assert prometheus["jsonData"]["exemplarTraceIdDestinations"][0]["datasourceUid"] == "jaeger"
    assert jaeger["jsonData"]["tracesToLogsV2"]["query"] == '{${__tags}} | trace_id = "${__trace.traceId}"'
    assert "LOKI_URL, where Grafana finds it, is not set" in out


def test_publishing_again_changes_nothing(grafana: GrafanaStandIn, publish: Run) -> None:
    """The second time everything is up to date, and nothing is sent."""
    publish()
    before = len(grafana.changes())
    status, out, _ = publish()
    assert (status, grafana.changes()[before:]) == (0, [])
    assert "created" not in out
    assert "updated" not in out


def test_a_dry_run_changes_nothing(grafana: GrafanaStandIn, publish: Run) -> None:
    """It says what would be created."""
    status, out, _ = publish("--dry-run")
    assert (status, grafana.changes()) == (0, [])
    assert "Search overview                     would be created" in out


def test_what_differs_is_shown_and_put_right(grafana: GrafanaStandIn, publish: Run) -> None:
    """Panels are named by their titles; what was added there is removed, and an address is corrected."""
    publish()
    board = grafana.boards["search-overview"]["dashboard"]
    changed = next(panel for panel in board["panels"] if panel["title"] == "Failed")
    right = changed["targets"][0]["expr"]
    changed["targets"][0]["expr"] = "vector(1)"
    board["panels"] = [*board["panels"], {"title": "Mine", "id": 999}]
    grafana.sources["prometheus"]["url"] = "http://elsewhere"
    for options, word in ((("--dry-run",), "would be updated"), ((), "updated")):
        _, out, _ = publish(*options)
        lines = [line.strip() for line in out.splitlines()]
        assert lines[lines.index("panels › Failed › targets › A › expr") + 1] == "- vector(1)"
        assert "- panels › Mine" in lines
        assert lines[lines.index("url") + 1 : lines.index("url") + 3] == [
            "- http://elsewhere",
            "+ http://prometheus:9090",
        ]
        assert f"2 {word}" in out
    saved = grafana.boards["search-overview"]["dashboard"]
    assert saved["version"] == 2
    assert "Mine" not in [panel["title"] for panel in saved["panels"]]
    assert right in [target["expr"] for panel in saved["panels"] for target in panel.get("targets", [])]
    assert "up to date" in publish()[1].splitlines()[-1]


def test_a_board_in_another_folder_is_moved_back(grafana: GrafanaStandIn, publish: Run) -> None:
    """The folder is one of the differences."""
    publish()
    grafana.boards["search-stage"]["meta"]["folderUid"] = "elsewhere"
    assert "- elsewhere" in publish()[1]
    assert grafana.boards["search-stage"]["meta"]["folderUid"] == to_grafana.FOLDER


def test_what_grafana_reads_from_files_is_left(grafana: GrafanaStandIn, publish: Run) -> None:
    """A provisioned board and a provisioned data source are reported, and not sent, whatever they contain."""
    publish()
    before = len(grafana.changes())
    grafana.boards["search-overview"]["meta"]["provisioned"] = True
    grafana.boards["search-overview"]["dashboard"]["title"] = "Theirs"
    grafana.sources["prometheus"] |= {"readOnly": True, "url": "http://theirs"}
    status, out, _ = publish()
    assert (status, grafana.changes()[before:]) == (0, [])
    assert out.count("left as it is: Grafana reads it from a file") == 2


REFUSALS = [
    pytest.param(("GET", OVERVIEW), Odd(401, {"message": "Expired"}), "(401): Expired", "GRAFANA_TOKEN", id="401"),
    pytest.param(("POST", SOURCES), Odd(403, {"message": "No"}), "(403): No", "role Admin", id="403"),
    pytest.param(("GET", "/api/health"), Odd(404, "<html>message</html>"), "(404): Not Found", "--grafana", id="404"),
    pytest.param(("POST", SOURCES), Odd(409, {"message": "Same name"}), "(409): Same name", "Rename", id="409"),
    pytest.param(("POST", SAVE), Odd(412, {"message": "Changed"}), "(412): Changed", "publish again", id="412"),
    pytest.param(("POST", SAVE), Odd(500, "[]"), "(500): Internal Server Error", "log", id="500"),
    pytest.param(("POST", SAVE), Odd(502, "<html>message</html>"), "(502): Bad Gateway", "log", id="502"),
    pytest.param(("GET", "/api/health"), Odd(200, "<html>"), "it answers no JSON", "--grafana", id="a page"),
    pytest.param(
        ("GET", "/api/health"), Odd(302, "", (("location", "https://x/"),)), "it redirects to https://x/", "--grafana",
        id="a redirect",
    ),
]  # fmt: skip


@pytest.mark.parametrize("value", ["nonsense", "prometheus:9090", "http://"])
def test_a_variable_that_is_not_an_address(
    value: str, grafana: GrafanaStandIn, publish: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named, with how to write it; nothing is published, also of what comes before it."""
    monkeypatch.setenv("LOKI_URL", value)
    status, _, err = publish()
    assert (status, grafana.changes()) == (2, [])
    assert err.startswith(f"LOKI_URL: {value!r} is not an address.\nWrite it like http://")


def test_an_address_of_a_data_source_may_have_a_user(
    grafana: GrafanaStandIn, publish: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is Grafana that uses it."""
    monkeypatch.setenv("PROMETHEUS_URL", "http://reader:word@prometheus:9090")
    assert publish()[0] == 0
    assert grafana.sources["prometheus"]["url"] == "http://reader:word@prometheus:9090"


def test_options_of_two_places(publish: Run, grafana: GrafanaStandIn) -> None:
    """Grafana and Sentry at once, and a project of Sentry for Grafana: the options are named, nothing is asked."""
    for options in (("--sentry", "acme"), ("--project", "search")):
        status, _, err = publish(*options)
        assert status == 2
        assert err.startswith(options[0])
    assert grafana.asked == []


@pytest.mark.parametrize(("asked", "odd", "message", "hint"), REFUSALS)
def test_a_refusal_is_explained(
    asked: tuple[str, str], odd: Odd, message: str, hint: str, grafana: GrafanaStandIn, publish: Run
) -> None:
    """Two lines: the status with Grafana's reason, and what to do. No trace, no token, and nothing later was sent."""
    grafana.answers[asked] = odd
    status, _, err = publish()
    assert status == 2
    first, second = err.strip().splitlines()
    assert "how it is" not in first
    assert message in first
    assert hint in second
    assert TOKEN not in err
    assert grafana.asked[-1][:2] == asked


def test_a_change_by_another_meanwhile_is_not_overwritten(grafana: GrafanaStandIn, publish: Run) -> None:
    """Grafana's own 412: the version that was read is sent, so a later one stays."""
    publish()
    saved = grafana.boards["search-overview"]
    read = {"dashboard": {**saved["dashboard"], "refresh": "1m"}, "meta": saved["meta"]}
    grafana.answers[("GET", OVERVIEW)] = Odd(200, read)
    saved["dashboard"]["version"] = 7
    status, _, err = publish()
    assert (status, saved["dashboard"]["version"]) == (2, 7)
    assert "The dashboard has been changed by someone else" in err


def test_an_answer_without_a_body_is_an_answer(grafana: GrafanaStandIn, publish: Run) -> None:
    """204 after a save is a success."""
    grafana.answers[("POST", SAVE)] = Odd(204)
    status, out, err = publish()
    assert (status, err) == (0, "")
    assert "Search overview                     created" in out


SLOW = [
    pytest.param(Odd(200, {}, delay_s=30.0), id="begins late"),
    pytest.param(Odd(200, {"a": 1}, piece_s=30.0), id="stalls"),
    pytest.param(Odd(200, {"message": "x" * 400}, piece_s=0.05), id="trickles"),
]


@pytest.mark.parametrize("odd", SLOW)
def test_a_slow_answer_is_given_up(
    odd: Odd, grafana: GrafanaStandIn, publish: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if each byte comes in time, but not the whole."""
    monkeypatch.setattr(command, "Grafana", partial(Grafana, seconds=0.5))
    grafana.answers[("GET", "/api/health")] = odd
    status, _, err = publish()
    assert status == 2
    assert f"Grafana at {grafana.url} did not answer within 0.5 seconds." in err


def test_an_answer_that_ends_early(grafana: GrafanaStandIn, publish: Run) -> None:
    """It is not taken for the whole."""
    grafana.answers[("GET", "/api/health")] = Odd(200, {"version": "13"}, missing=5)
    status, _, err = publish()
    assert status == 2
    assert "its answer ended early" in err
    assert "5 more expected" in err


def test_an_endless_answer(grafana: GrafanaStandIn, publish: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than a limit is kept of it."""
    monkeypatch.setattr(session, "MOST_BYTES", 100)
    grafana.answers[("GET", "/api/health")] = Odd(200, {"version": "x" * 200})
    assert "the answer is too large" in publish()[2]


def test_nobody_listens(publish: Run) -> None:
    """The reason is the system's; the hint names the option."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    status, _, err = publish(url=url)
    assert status == 2
    assert err == f"Grafana at {url} cannot be reached: Connection refused.\nStart it, or correct --grafana URL.\n"


def test_a_grafana_below_a_path(publish: Run) -> None:
    """Its address may have a path, with or without a slash at its end."""
    with grafana_stand_in(prefix="/monitoring") as grafana:
        assert publish(url=f"{grafana.url}/")[0] == 0
        assert "search-overview" in grafana.boards
        assert publish(url=f"http://{grafana.address}")[0] == 2


@pytest.mark.parametrize("url", ["ftp://x", "127.0.0.1:3000", "http://", "http://x:port", "http://x?a=b", ""])
def test_an_invalid_address(url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It is named, with an example."""
    monkeypatch.setenv("GRAFANA_TOKEN", TOKEN)
    assert main(["dashboards", "publish", f"--grafana={url}"]) == 2
    assert f"--grafana URL: {url!r} is not an address." in capsys.readouterr().err


@pytest.mark.parametrize("url", ["http://admin:secret@x", "admin:secret@x"])
def test_an_address_with_a_password(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is refused, and not repeated."""
    monkeypatch.setenv("GRAFANA_TOKEN", TOKEN)
    assert main(["dashboards", "publish", f"--grafana={url}"]) == 2
    err = capsys.readouterr().err
    assert "--grafana URL" in err
    assert "secret" not in err


@pytest.mark.parametrize(("token", "message"), [("", "is not set"), ("a b", "no token has"), ("ä", "no token has")])
def test_an_invalid_token(
    token: str, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The variable is named, the value is not."""
    monkeypatch.setenv("GRAFANA_TOKEN", token)
    assert main(["dashboards", "publish"]) == 2
    assert f"GRAFANA_TOKEN {message}" in capsys.readouterr().err.replace("has characters that ", "")


def test_a_session_returns_json_in_any_case(grafana: GrafanaStandIn) -> None:
    """What `grafana-api` cannot read has become an object with a message."""
    bodies: list[tuple[int, Any, Any]] = [
        (500, "[1]", {"message": "1"}),
        (400, "null", {"message": "Bad Request"}),
        (418, {"errors": ["a", "b"], "detail": "c"}, {"message": "errors: a; b; c"}),
        (204, "", {}),
        (200, "", {}),
        (200, "[1, 2]", [1, 2]),
    ]
    with session.Session(5) as opened:
        for status, body, wanted in bodies:
            grafana.answers[("GET", "/api/health")] = Odd(status, body)
            answer = opened.get(f"{grafana.url}/api/health")
            assert (answer.status_code, answer.json()) == (status, wanted)
