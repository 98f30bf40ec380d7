"""What the stack gives Prometheus and Alertmanager: the committed rules, and a webhook where there is one."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from collector.stack import cache
from collector.stack.errors import StackError
from collector.stack.foreground import _banner
from collector.stack.ports import free_ports
from collector.stack.programs.alertmanager import VARIABLE, Alertmanager, receiver
from collector.stack.programs.program import DASHBOARDS, Place, Program
from collector.stack.programs.prometheus import Prometheus
from collector.stack.stack import Stack
from tests.unit.stack_stand_in import StandIn


@pytest.fixture(autouse=True)
def _built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every program counts as built, and nobody is called."""
    monkeypatch.setattr(cache, "built", lambda name: tmp_path / name)
    monkeypatch.delenv(VARIABLE, raising=False)


def prepared(program: Program, data: Path) -> Path:
    """Return the folder of a program that could start."""
    place = Place(free_ports([program]), data, [program])
    program.command(place)
    program.prepare(place)
    return place.folder(program.name)


def test_prometheus_has_the_committed_rules(tmp_path: Path) -> None:
    """Linked, so that an edit and a reload are enough; a second start, with other rules, replaces them."""
    folder = prepared(Prometheus(), tmp_path)
    assert (folder / "rules").resolve() == DASHBOARDS / "alerts" / "rules"
    assert list((folder / "rules").glob("search_slo*.yml"))
    (tmp_path / "shorter").mkdir()
    folder = prepared(Prometheus(tmp_path / "shorter"), tmp_path)
    assert (folder / "rules").resolve() == tmp_path / "shorter"


def test_without_a_webhook_alertmanager_sends_nothing_and_says_so(tmp_path: Path) -> None:
    """Its file is the one without; a link of an earlier start is gone."""
    folder = prepared(Alertmanager(), tmp_path)
    assert (folder / "alertmanager.yml").resolve() == DASHBOARDS / "alerts" / "alertmanager.yml"
    assert not (folder / "webhook-url").exists()
    assert receiver() == f"nobody, until {VARIABLE} names a file with a webhook's address"


def test_with_a_webhook_its_address_stays_in_the_users_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The link is beside the configuration, which reads it at each message; without the variable it goes again."""
    secret = tmp_path / "secret"
    secret.write_text("https://example.com/alerts?token=s3cret\n")
    monkeypatch.setenv(VARIABLE, str(secret))
    folder = prepared(Alertmanager(), tmp_path)
    assert (folder / "alertmanager.yml").resolve() == DASHBOARDS / "alerts" / "alertmanager-webhook.yml"
    assert (folder / "webhook-url").resolve() == secret
    assert receiver() == f"the webhook in {secret}"
    monkeypatch.delenv(VARIABLE)
    assert not (prepared(Alertmanager(), tmp_path) / "webhook-url").exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file or directory"),
        (b"s3cret\n", "the file does not hold an address"),
        (b"", "the file does not hold an address"),
        (b"\xff\xfe", "it is not text"),
    ],
)
def test_a_file_without_an_address_is_reported_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, reason: str
) -> None:
    """With the variable, the file and what to write, and without what the file holds."""
    secret = tmp_path / "secret"
    if content is not None:
        secret.write_bytes(content)
    monkeypatch.setenv(VARIABLE, str(secret))
    first = StandIn("first")
    with pytest.raises(StackError) as raised, Stack([first, Alertmanager()], data_dir=tmp_path):
        pass
    assert raised.value.message == f"{VARIABLE}={secret}: {reason}."
    assert (
        raised.value.hint == f"Write the webhook's address into it, as https://example.com/alerts, or unset {VARIABLE}."
    )
    assert not (tmp_path / first.name / "prepared").exists()


def test_up_says_who_gets_the_alerts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the addresses; in a profile without an Alertmanager there is no such line."""
    running: Any = SimpleNamespace(names=["jaeger", "alertmanager"], shown=[])
    assert f"  alerts go to    {receiver()}" in [line.plain for line in _banner(running, "full", tmp_path)]
    running.names.remove("alertmanager")
    assert not any("alerts" in line.plain for line in _banner(running, "minimal", tmp_path))
