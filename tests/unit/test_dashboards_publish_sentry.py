"""`telemetry dashboards publish --sentry` creates and updates boards and alerts in Sentry, and says what differs."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from dashboards.publishing import command, to_sentry
from dashboards.publishing.sentry import Sentry
from telemetry.cli import main
from tests.sentry_api_stand_in import ORGANIZATION, PROJECT, TOKEN, SentryApi, sentry_api

Run = Callable[..., tuple[int, str, str]]
TITLES = ["Search telemetry: errors and logs", "Search telemetry: indexing", "Search telemetry: search"]


@pytest.fixture
def sentry() -> Iterator[SentryApi]:
    with sentry_api() as running:
        yield running


@pytest.fixture
def publish(sentry: SentryApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Publish to it; return the status, and what was printed on both streams."""
    monkeypatch.setenv("SENTRY_AUTH_TOKEN", TOKEN)
    monkeypatch.setenv("SENTRY_URL", sentry.url)
    for name in ("SENTRY_PROJECT", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)

    def run(*options: str, organization: str = ORGANIZATION) -> tuple[int, str, str]:
        status = main(["dashboards", "publish", "--sentry", organization, *options])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def test_boards_and_alerts_are_created_once(sentry: SentryApi, publish: Run) -> None:
    """A new error alerts from the project's own monitor, a slow search from ours; the second time nothing is sent."""
    status, out, err = publish("--project", PROJECT)
    assert (status, err) == (0, "")
    assert "6 created." in out
    assert sorted(board["title"] for board in sentry.boards.values()) == TITLES
    (monitor,) = [each for each in sentry.monitors.values() if each["type"] == "metric_issue"]
    sources = {alert["name"]: alert["detectorIds"] for alert in sentry.alerts.values()}
    assert sources == {
        "Search telemetry: a new error": ["1"],
        "Search telemetry: /search is slow": [monitor["id"]],
    }
    before = len(sentry.changes())
    assert publish("--project", PROJECT)[1].splitlines()[-1] == "6 up to date."
    assert sentry.changes()[before:] == []


def test_without_a_project_only_boards_are_published(sentry: SentryApi, publish: Run) -> None:
    """Alerts are left, and the option is named."""
    status, out, _ = publish()
    assert status == 0
    assert out.count("left as it is: no --project is named") == 2
    assert (len(sentry.boards), sentry.alerts) == (3, {})


def test_a_dry_run_changes_nothing(sentry: SentryApi, publish: Run) -> None:
    """It says what would be created, also for what needs the number of what is not there yet."""
    _, out, _ = publish("--project", PROJECT, "--dry-run")
    assert out.splitlines()[-1] == "6 would be created."
    assert sentry.changes() == []


def test_what_differs_is_shown_and_put_right(sentry: SentryApi, publish: Run) -> None:
    """A widget keeps its number; one that somebody added is removed; a monitor and an alert are corrected."""
    publish("--project", PROJECT)
    board = next(each for each in sentry.boards.values() if each["title"] == TITLES[2])
    changed, number = board["widgets"][0], board["widgets"][0]["id"]
    right = changed["queries"][0]["conditions"]
    changed["queries"][0]["conditions"] = "is_transaction:true"
    board["widgets"].append({**board["widgets"][1], "title": "Mine", "id": "999"})
    monitor = next(each for each in sentry.monitors.values() if each["type"] == "metric_issue")
    monitor["dataSources"][0]["queryObj"]["snubaQuery"]["timeWindow"] = 60
    alert = next(each for each in sentry.alerts.values() if each["name"].endswith("new error"))
    alert["config"]["frequency"] = 5
    _, out, _ = publish("--project", PROJECT)
    lines = [line.strip() for line in out.splitlines()]
    place = lines.index("widgets › p95 of searches › queries › 1 › conditions")
    assert lines[place + 1 : place + 3] == ["- is_transaction:true", f"+ {right}"]
    assert "- widgets › Mine" in lines
    for path, before, after in (
        ("dataSources › 1 › timeWindow", "- 60", "+ 300"),
        ("config › frequency", "- 5", "+ 30"),
    ):
        assert lines[lines.index(path) + 1 : lines.index(path) + 3] == [before, after]
    assert lines[-1] == "3 updated, 3 up to date."
    board = next(each for each in sentry.boards.values() if each["title"] == TITLES[2])
    assert (board["widgets"][0]["id"], board["widgets"][0]["queries"][0]["conditions"]) == (number, right)
    assert "Mine" not in [widget["title"] for widget in board["widgets"]]
    assert publish("--project", PROJECT)[1].splitlines()[-1] == "6 up to date."


def test_boards_are_found_on_every_page(sentry: SentryApi, publish: Run) -> None:
    """A long list comes in pages; a board on the last one is not created again."""
    publish()
    sentry.page = 1
    assert "3 up to date" in publish()[1]


@pytest.mark.parametrize(
    ("answer", "message", "hint"),
    [
        ((401, {"detail": "Invalid token"}), "(401): Invalid token", "SENTRY_AUTH_TOKEN"),
        ((403, {"detail": "No permission"}), "(403): No permission", "org:write"),
        ((404, {"detail": "Not here"}), "(404): Not here", "slug"),
        ((400, {"widgets": [{"limit": ["Too large."]}]}), "(400): widgets: limit: Too large.", ""),
        ((409, {"detail": "Taken"}), "(409): Taken", "rename"),
        ((503, b"<html>"), "(503): Service Unavailable", ""),
        ((200, b"<html>"), "it answers no JSON", "SENTRY_URL"),
    ],
)
def test_a_refusal_is_explained(
    answer: tuple[int, object], message: str, hint: str, sentry: SentryApi, publish: Run
) -> None:
    """The status with Sentry's reason, and what to do. No trace, no token."""
    sentry.answer = answer
    status, _, err = publish()
    assert status == 2
    assert message in err.splitlines()[0]
    assert hint in "".join(err.splitlines()[1:])
    assert TOKEN not in err


def test_names_that_are_not_there(sentry: SentryApi, publish: Run) -> None:
    """An unknown organization and an unknown project are errors, before anything else of them is asked."""
    assert "list the boards (404)" in publish(organization="nobody")[2]
    status, _, err = publish("--project", "nothing")
    assert (status, err) == (2, f"{sentry.url} has no project nothing.\nThe token sees {PROJECT}.\n")
    assert sentry.alerts == {}


def test_a_netrc_does_not_replace_the_token(publish: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`requests` reads that file by itself."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert publish("--dry-run")[0] == 0


def test_a_slow_sentry_is_given_up(sentry: SentryApi, publish: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the limit for an answer."""
    monkeypatch.setattr(command, "Sentry", partial(Sentry, seconds=0.2))
    sentry.delay_s = 0.6
    assert "did not answer within 0.2 seconds." in publish()[2]


def test_a_sentry_without_a_token_or_an_address(monkeypatch: pytest.MonkeyPatch, publish: Run) -> None:
    """The variable is named."""
    monkeypatch.setenv("SENTRY_URL", "sentry.example")
    assert "SENTRY_URL: 'sentry.example' is not an address." in publish()[2]
    monkeypatch.delenv("SENTRY_AUTH_TOKEN")
    assert publish()[2].startswith("SENTRY_AUTH_TOKEN is not set.\n")


def test_what_is_published_is_what_was_generated() -> None:
    """Every board and alert has a file."""
    assert [board["title"] for board in to_sentry.boards()] == TITLES
    assert len(to_sentry.alerts()) == 2
