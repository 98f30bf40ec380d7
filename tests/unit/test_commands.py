"""The `telemetry` command without a process: what it loads, what it prints if something is missing, where it reads."""

import argparse
import re
from collections.abc import Callable
from contextlib import closing
from importlib import import_module
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from collector.local.api.answers import PATHS, QUESTIONS
from collector.local.cli import client, commands, read
from collector.local.cli.client import open_reader
from collector.local.errors import CollectorError
from collector.local.store.spans.tables import TABLES
from collector.local.store.store import Store
from dashboards import commands as dashboards_commands
from telemetry import cli
from telemetry.errors import TelemetryError, did_you_mean

Install = Callable[..., None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Make the given entry points the installed ones."""

    def install(**targets: str) -> None:
        found = EntryPoints(EntryPoint(name, target, cli.GROUP) for name, target in targets.items())
        monkeypatch.setattr(cli, "entry_points", lambda group: found.select(group=group))

    return install


def add_greet(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    subparsers.add_parser("greet").set_defaults(run=lambda _: 7)


def add_blame(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    def run(_: argparse.Namespace) -> int:
        raise TelemetryError("PORT='x\x1b[2J' is not a port.", "Write a number.")

    subparsers.add_parser("blame").set_defaults(run=run)


def add_heavy(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    def run(_: argparse.Namespace) -> int:
        import_module("no_such_package_anywhere")
        return 0

    subparsers.add_parser("heavy").set_defaults(run=run)


def test_a_command_whose_packages_are_missing_shows_how_to_install_them(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    """Packages are imported when a command runs; the extra is named as its room is."""
    install(dashboards=f"{__name__}:add_heavy")
    assert cli.main(["heavy"]) == 2
    output = capsys.readouterr().err
    assert (
        output == "The package no_such_package_anywhere is not installed.\npip install 'search-telemetry[dashboards]'\n"
    )


def test_a_command_comes_from_an_entry_point(install: Install) -> None:
    """Its function's result is the exit status."""
    install(room=f"{__name__}:add_greet")
    assert cli.main(["greet"]) == 7


def test_a_users_mistake_is_two_lines_without_a_stack_trace(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what it quotes cannot steer the terminal."""
    install(room=f"{__name__}:add_blame")
    assert cli.main(["blame"]) == 2
    assert capsys.readouterr() == ("", "PORT='x�[2J' is not a port.\nWrite a number.\n")


def test_a_room_whose_packages_are_missing_leaves_the_others_working(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a command, the error shows how to install the missing extra."""
    install(here=f"{__name__}:add_greet", dashboards="no_such_package_anywhere:add")
    assert cli.main(["greet"]) == 7
    assert cli.main([]) == 2
    output = capsys.readouterr().err
    assert (
        output == "The package no_such_package_anywhere is not installed.\npip install 'search-telemetry[dashboards]'\n"
    )


def test_without_any_room_the_hint_is_the_extra(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    """As in a service that installed the library alone."""
    install(sentry="telemetry.sentry.command:add")
    output = "The collector's commands are not installed.\npip install 'search-telemetry[local]'\n"
    assert cli.main([]) == 2
    assert capsys.readouterr().err == output
    assert cli.main(["collect", "--store", "x"]) == 2
    assert capsys.readouterr().err == output


def test_the_local_collectors_commands_are_installed() -> None:
    """The distribution declares them; each has help."""
    parser = argparse.ArgumentParser()
    subparsers = parser.add_subparsers()
    commands.add(subparsers)
    assert set(subparsers.choices) == {
        "collect",
        "compact",
        "criticalpath",
        "services",
        "traces",
        "trace",
        "logs",
        "metrics",
    }
    assert all(command.format_help() for command in subparsers.choices.values())


@pytest.fixture
def nobody_listens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No collector at the default address; the default store would be in an empty directory."""
    monkeypatch.setattr(client, "DEFAULT_API", "127.0.0.1:1")
    monkeypatch.setattr(client, "default_store", lambda: tmp_path / "telemetry.duckdb")
    return tmp_path / "telemetry.duckdb"


def test_with_no_collector_running_the_default_store_is_read(nobody_listens: Path) -> None:
    """The traces of an ended collector are there."""
    Store.open(nobody_listens).close()
    with closing(open_reader(None, None)) as reader:
        assert reader.get("/api/traces") == {"traces": [], "next": None}


def test_with_nothing_to_read_both_ways_out_are_reported(nobody_listens: Path) -> None:
    """Where was looked, and what to do."""
    output = f"No collector runs at 127.0.0.1:1, and there is no store at {nobody_listens}"
    with closing(open_reader(None, None)) as reader, pytest.raises(CollectorError, match=output):
        reader.get("/api/traces")


@pytest.mark.parametrize("address", ["127.0.0.1:1", "a:b:c", "[::1", "", "http://127.0.0.1:1", "127.0.0.1:1/x y"])
def test_an_address_without_a_server_is_reported(address: str) -> None:
    """Also if it is not an address at all."""
    with closing(client.HttpReader(address)) as reader, pytest.raises(CollectorError, match="No collector responds at"):
        reader.get("/api/traces")


@pytest.mark.parametrize(
    ("words", "wait"), [("last", read.LAST_WAIT), ("last --wait 5s", "5s"), ("last --json", None), ("aa", None)]
)
def test_the_latest_trace_may_still_be_arriving(words: str, wait: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes export half a second apart; a program that reads JSON says itself how long it waits."""
    asked: list[object] = []

    def get(_: object, path: str, **parameters: object) -> None:
        asked.append((path, parameters["wait"]))
        raise CollectorError("enough")

    monkeypatch.setattr(client.DefaultReader, "get", get)
    trace_id, *options = words.split()
    assert cli.main(["trace", trace_id, *options]) == 2
    assert asked == [(f"/api/traces/{trace_id}", wait)]


def test_a_store_that_is_not_there_is_reported(tmp_path: Path) -> None:
    """Reading makes no file."""
    with pytest.raises(CollectorError, match="there is no store at"):
        open_reader(None, tmp_path / "none.duckdb")
    assert not list(tmp_path.iterdir())


def test_reading_a_store_changes_nothing_in_it(tmp_path: Path) -> None:
    """Not a byte."""
    path = tmp_path / "store.duckdb"
    Store.open(path).close()
    before = path.read_bytes()
    with closing(open_reader(None, path)) as reader:
        for question in ("services", "operations", "traces", "metrics", "logs"):
            reader.get(f"/api/{question}")
    assert (path.read_bytes(), len(TABLES)) == (before, 18)


def test_the_page_names_every_command_option_path_and_parameter() -> None:
    """What is there is documented; what is documented is there."""
    docs = Path(__file__).parents[2] / "docs"
    page, api = ((docs / name).read_text("utf-8") for name in ("commands.md", "api.md"))
    parser = argparse.ArgumentParser()
    subparsers = parser.add_subparsers()
    commands.add(subparsers)
    dashboards_commands.add(subparsers)
    described = {name: command for name, command in subparsers.choices.items() if name != "dashboards"}
    options = {
        option for command in described.values() for action in command._actions for option in action.option_strings
    }
    assert set(re.findall(r"`telemetry (\w+)", page)) == set(described)
    assert set(re.findall(r"(?<=`)--[a-z-]+", page)) == {option for option in options if option[:2] == "--"} - {
        "--help"
    }
    assert set(PATHS) <= set(re.findall(r"`(/api/[^`?]+)", api))
    lists = api.partition("## Lists and single traces")[2].partition("\n## ")[0]
    paths = dict(re.findall(r"^\| `(/api/\S+)` \| (.*?) ?\|", lists, re.MULTILINE))
    assert set(paths) <= set(PATHS)
    for question in QUESTIONS:
        if question.path in paths:  # the others sum up many requests, and have some in common
            assert tuple(re.findall(r"`(\w+)`", paths[question.path])) == question.parameters


def test_the_command_sentry_prints_a_dotenv(capsys: pytest.CaptureFixture[str]) -> None:
    """Its output can be appended to `.env` as it is."""
    assert cli.main(["sentry", "https://key@o1.ingest.sentry.io/42"]) == 0
    assert capsys.readouterr().out == (
        "SENTRY_OTLP_ENDPOINT=https://o1.ingest.sentry.io/api/42/integration/otlp\nSENTRY_PUBLIC_KEY=key\n"
    )
    assert cli.main(["sentry", "o1.ingest.sentry.io"]) == 2
    assert "the DSN is not an http or https URL\nwrite https://" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["collect", "services", "traces", "trace", "logs", "metrics"])
def test_help_fits_in_forty_columns(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its usage, too, with every option whole in a line."""
    monkeypatch.setenv("COLUMNS", "40")
    assert cli.main([command, "--help"]) == 0
    usage, _, rest = capsys.readouterr().out.partition("\n\n")
    assert max(map(len, f"{usage}\n{rest}".splitlines())) <= 40
    assert all(line.count("[") == line.count("]") for line in usage.splitlines())


@pytest.mark.parametrize(
    ("word", "names", "output"),
    [
        ("gv", ["gw", "indexer"], "Did you mean gw?"),
        ("wg", ["gw"], "Did you mean gw?"),
        ("xy", ["gw"], ""),
        ("b4", ["b3"], ""),
    ],
)
def test_names_of_two_letters_are_proposed(word: str, names: list[str], output: str) -> None:
    """One letter is another, or they have changed places; numbers are not like each other."""
    assert did_you_mean(word, names) == output
