"""Programs come into the cache whole or not at all, each by itself, with a line for each and a log that errors show."""

import io
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from collector.stack import build as building
from collector.stack import cache
from collector.stack.errors import BuildError, NotBuiltError, StackError
from collector.stack.recipes import RECIPES, go, kafka
from collector.stack.recipes import collector as otelcol
from collector.stack.shell import Shell

Make = Callable[[Shell, Path, Path], None]


def write_binary(_: Shell, __: Path, out: Path) -> None:
    (out / "bin" / "thing").write_text("made")


@dataclass
class Thing:
    """A program that is made by a function."""

    make: Make = write_binary
    name: str = "thing"
    version: str = "1.0.0"
    build_inputs: Sequence[bytes] = (b"pin",)
    made: int = 0
    tools: Sequence[str] = ()

    @property
    def outputs(self) -> Sequence[str]:
        return (f"bin/{self.name}",)


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Build some programs and return the output."""

    def run(*things: Thing) -> str:
        monkeypatch.setattr(building, "RECIPES", things)
        monkeypatch.setattr(cache, "RECIPES", things)
        output = io.StringIO()
        building.build((), Console(file=output, width=200))
        return output.getvalue()

    return run


def test_what_is_built_is_not_built_again(build: Callable[..., str], root: Path) -> None:
    """The second run finds the program in its folder and does nothing."""
    assert "thing 1.0.0            built in 0 s" in build(Thing())
    (folder,) = root.glob("thing-1.0.0-*")

    def never(*_: object) -> None:
        raise AssertionError("built twice")

    assert build(Thing(make=never)) == f"  thing 1.0.0            ready\n  in {root}\n"
    assert cache.binary("thing") == folder / "bin" / "thing"


@pytest.mark.parametrize(
    "other", [Thing(version="1.0.1"), Thing(build_inputs=(b"another pin",)), Thing(build_inputs=(b"pi", b"n"))]
)
def test_another_version_or_manifest_is_another_program(build: Callable[..., str], root: Path, other: Thing) -> None:
    """Each lies in a folder of its own, so that going back costs nothing."""
    build(Thing())
    build(other)
    assert len(list(root.glob("thing-*"))) == 2


def test_the_collectors_folder_follows_all_that_it_is_made_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An edit of builder.yaml, go.mod, go.sum or a file of our processor makes another Collector."""
    folders = {cache.folder(otelcol.Collector())}
    for path in (otelcol.MANIFEST, *otelcol.LOCKS, *otelcol.PROCESSOR):
        edited = tmp_path / path.name
        edited.write_bytes(path.read_bytes() + b"\n")
        with monkeypatch.context() as patch:
            patch.setattr(otelcol, "MANIFEST", edited if path == otelcol.MANIFEST else otelcol.MANIFEST)
            for group in ("LOCKS", "PROCESSOR"):
                files = getattr(otelcol, group)
                patch.setattr(otelcol, group, tuple(edited if file == path else file for file in files))
            folders.add(cache.folder(otelcol.Collector()))
    assert len(folders) == 6


def test_our_processor_lies_where_the_manifest_looks_for_it() -> None:
    """Every source but tests is given to the builder: a file more would be left out, and its edits go unseen."""
    folder = otelcol.OTELCOL / "linkattributes"
    sources = {path for path in folder.glob("*.go") if not path.name.endswith("_test.go")} | {folder / "go.mod"}
    assert set(otelcol.PROCESSOR) == sources
    assert f"path: ./{folder.name}\n" in otelcol.MANIFEST.read_text("utf-8")


def test_a_build_that_fails_leaves_nothing_and_takes_no_other_with_it(build: Callable[..., str], root: Path) -> None:
    """The error names the program, its log and the log's end; the other program is there."""

    def fail(shell: Shell, work: Path, out: Path) -> None:
        write_binary(shell, work, out)
        shell.run("sh", "-c", "echo compiled half; echo no space >&2; exit 3", cwd=work)

    with pytest.raises(BuildError) as raised:
        build(Thing(make=fail), Thing(name="other", make=lambda _, __, out: (out / "bin" / "other").touch()))
    log = root / "logs" / "thing.log"
    assert f"thing: sh ended with exit status 3. The end of {log}:\n" in raised.value.message
    assert raised.value.message.endswith("  no space\n  compiled half")
    assert [path.name.split("-")[0] for path in root.glob("*-*-*")] == ["other"]


def test_a_build_that_is_killed_leaves_no_half_of_a_program(build: Callable[..., str], root: Path) -> None:
    """After kill -9 the program is not there; the next build clears the remains away and makes it."""
    script = (
        "import os, signal\n"
        "from collector.stack import cache\nfrom collector.stack.recipes import RECIPES\n"
        "with cache.publishing(RECIPES[1]) as (work, out):\n"
        "    (out / 'bin' / 'jaeger').touch()\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    assert [path.name for path in root.iterdir()] == [".building-jaeger"]
    with pytest.raises(NotBuiltError, match=r"jaeger .* is not built") as raised:
        cache.binary("jaeger")
    assert "telemetry stack build jaeger" in raised.value.hint
    with cache.publishing(RECIPES[1]) as (_, out):
        (out / "bin" / "jaeger").touch()
    assert cache.binary("jaeger").exists()
    assert not list(root.glob(".building*"))


def test_an_incomplete_folder_counts_as_absent(build: Callable[..., str], root: Path) -> None:
    """Whoever deletes a binary from the cache gets it back."""
    build(Thing())
    cache.binary("thing").unlink()
    assert "built in" in build(Thing())
    assert cache.binary("thing").read_text() == "made"


def test_a_recipe_that_makes_nothing_is_reported(build: Callable[..., str], root: Path) -> None:
    """A tool that ends well without its output does not pass for a program."""
    with pytest.raises(BuildError, match=r"thing: The build of thing did not produce bin/thing"):
        build(Thing(make=lambda *_: None))
    assert not list(root.glob("thing-*"))


def test_two_builds_take_turns(build: Callable[..., str], root: Path) -> None:
    """The second reports that it waits, and finds what the first has built."""
    root.mkdir()
    script = (
        "import fcntl, sys\nlock = open(sys.argv[1], 'w')\nfcntl.flock(lock, fcntl.LOCK_EX)\n"
        "print('held', flush=True)\nsys.stdin.read()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script, str(root / ".lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdin is not None
    assert other.stdout is not None
    assert other.stdout.readline() == b"held\n"
    output = []

    def release() -> None:
        output.append("waiting")
        other.communicate()

    with cache.only_one(release):
        pass
    assert output == ["waiting"]


def test_every_tool_that_is_missing_is_named_at_once_with_the_way_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, build: Callable[..., str]
) -> None:
    """Before anything is built, not after minutes of compiling."""
    monkeypatch.setenv("PATH", str(tmp_path))
    made = Thing()
    with pytest.raises(BuildError) as raised:
        build(made, *RECIPES)
    assert raised.value.message.splitlines() == [
        "go is not on the PATH; needed for collector, jaeger, prometheus, victorialogs, compose, alertmanager.",
        "java is not on the PATH; needed for kafka.",
        "mvn is not on the PATH; needed for kafka.",
    ]
    assert raised.value.hint.splitlines() == [
        "Install Go 1.26 or newer (https://go.dev/dl) and put it on the PATH",
        "Install a Java runtime, version 17 or newer: apt-get install openjdk-17-jre-headless",
        "Install Maven: apt-get install maven",
    ]
    assert not cache.is_built(made)


def test_names_that_are_not_known_are_reported_with_those_that_are() -> None:
    """A mistyped name builds nothing."""
    with pytest.raises(StackError, match=r"No program is called jeager") as raised:
        building.build(["jeager"])
    assert raised.value.hint == "Did you mean jaeger?"
    assert [recipe.name for recipe in building.chosen(["kafka", "collector"])] == ["collector", "kafka"]


class Tools:
    """Stands in for the tools on the PATH: writes down each call, and does what a test defines."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.calls = tmp_path / "tools", tmp_path / "calls"
        self.folder.mkdir()
        self.calls.touch()
        monkeypatch.setenv("PATH", f"{self.folder}:{os.environ['PATH']}")

    def add(self, name: str, script: str = "") -> None:
        path = self.folder / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> {self.calls}\n{script}\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    @property
    def called(self) -> list[str]:
        return self.calls.read_text().splitlines()


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    return Tools(tmp_path, monkeypatch)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "log", lambda _: None)


def test_a_source_that_is_not_the_pinned_one_is_refused(tools: Tools, shell: Shell, tmp_path: Path) -> None:
    """A changed source is not compiled."""
    tools.add("go", 'echo \'{"Dir": "/nowhere", "Sum": "h1:changed="}\'')
    with pytest.raises(BuildError, match=r"has the checksum h1:changed=, and versions.toml pins h1:pinned="):
        go.download(shell, "example.com/thing", "v1.0.0", tmp_path / "source", "h1:pinned=")
    assert not (tmp_path / "source").exists()


def test_a_module_is_copied_so_that_it_can_be_built_and_removed(tools: Tools, shell: Shell, tmp_path: Path) -> None:
    """Go's own copy is read-only and shared: it is left as it is."""
    held = tmp_path / "held"
    (held / "cmd").mkdir(parents=True)
    (held / "cmd" / "main.go").write_text("package main")
    (held / "cmd" / "main.go").chmod(0o444)
    (held / "cmd").chmod(0o555)
    tools.add("go", f'echo \'{{"Dir": "{held}", "Sum": "h1:x="}}\'')
    go.download(shell, "example.com/thing", "v1.0.0", tmp_path / "source", "h1:x=")
    copies = (tmp_path / "source" / "cmd", tmp_path / "source" / "cmd" / "main.go")
    assert all(path.stat().st_mode & stat.S_IWUSR for path in copies)
    assert stat.S_IMODE((held / "cmd").stat().st_mode) == 0o555


def test_the_collector_is_compiled_from_our_locks(tools: Tools, shell: Shell, tmp_path: Path) -> None:
    """The builder generates; its go.mod is replaced by the committed one before anything is compiled, read-only."""
    (tmp_path / "work").mkdir()
    builder = "mkdir search-otelcol; echo generated > search-otelcol/go.mod"
    tools.add(
        "go", f"[ \"$1\" = install ] && {{ printf '#!/bin/sh\\n{builder}\\n' > builder; chmod +x builder; }}; true"
    )
    otelcol.Collector().make(shell, tmp_path / "work", tmp_path / "out")
    source = tmp_path / "work" / otelcol.GENERATED
    assert [(source / lock.name).read_bytes() for lock in otelcol.LOCKS] == [
        lock.read_bytes() for lock in otelcol.LOCKS
    ]
    assert all((tmp_path / "work" / file.parent.name / file.name).is_file() for file in otelcol.PROCESSOR)
    install, compiling = tools.called
    assert install.startswith("go install go.opentelemetry.io/collector/cmd/builder@v")
    assert (
        compiling
        == f"go build -trimpath -buildvcs=false -mod=readonly -ldflags=-s -w -o {tmp_path}/out/bin/search-otelcol ."
    )
    assert "--skip-get-modules" in (tmp_path / "log").read_text()


def test_kafkas_jars_are_asked_for_in_the_pinned_versions(tools: Tools, shell: Shell, tmp_path: Path) -> None:
    """Maven is given both versions, and the folder that becomes the program's."""
    tools.add("mvn")
    kafka.Kafka().make(shell, tmp_path, tmp_path / "out")
    (call,) = tools.called
    assert f"-Dkafka.version={kafka.Kafka().version} " in call
    assert call.endswith(f"dependency:copy-dependencies -DoutputDirectory={tmp_path}/out/libs")
