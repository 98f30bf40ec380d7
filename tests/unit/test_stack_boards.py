"""The page of the boards beside the stack's Prometheus."""

from pathlib import Path

import httpx
import pytest

from collector.stack.profiles import with_added
from collector.stack.programs.program import Place
from collector.stack.stack import Stack
from dashboards.preview import bundle, program
from dashboards.preview.program import Boards
from tests.unit.stack_stand_in import StandIn


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The caller's cache, an empty one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def build() -> None:
    (bundle.folder() / "assets").mkdir(parents=True)
    (bundle.folder() / "index.html").touch()


def names(*programs: str) -> list[str]:
    return [each.name for each in with_added([StandIn(name) for name in programs])]


@pytest.mark.usefixtures("cache")
def test_it_is_shown_where_it_is_built_and_there_is_a_prometheus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not before, not without the packages that serve it, and never without a Prometheus."""
    assert names("jaeger", "prometheus") == ["jaeger", "prometheus"]
    build()
    assert names("jaeger", "prometheus") == ["jaeger", "prometheus", "boards"]
    assert names("jaeger") == ["jaeger"]
    monkeypatch.setattr(program, "_PACKAGES", ("starlette", "not_installed_anywhere"))
    assert names("jaeger", "prometheus") == ["jaeger", "prometheus"]


def test_it_asks_the_prometheus_of_its_stack(tmp_path: Path, cache: Path) -> None:
    """It is ready when it lists boards; its address is among those that are shown; it ends with the stack."""
    build()
    environment = {"XDG_CACHE_HOME": str(cache)}
    with Stack([StandIn("prometheus"), Boards()], data_dir=tmp_path / "data", environment=environment) as stack:
        assert ("Boards", stack.url("boards.web")) in stack.shown
        answer = httpx.get(stack.url("boards.web", "/api/about"), trust_env=False, timeout=20).json()
        assert answer["prometheus"] == stack.url("prometheus.web")
        assert "answers 404" in answer["problem"]  # the stand-in has no queries
    assert not stack.is_alive("boards")


def test_links_lead_to_the_jaeger_of_its_stack(tmp_path: Path) -> None:
    """On its own port; nowhere in a stack without one."""
    ports = {"prometheus.web": 9090, "boards.web": 3001, "jaeger.query": 12001}
    assert list(Boards().command(Place(ports, tmp_path)))[-2:] == ["--jaeger", "http://127.0.0.1:12001"]
    del ports["jaeger.query"]
    assert list(Boards().command(Place(ports, tmp_path)))[-2:] == ["--jaeger", ""]
