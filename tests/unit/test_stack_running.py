"""A stack's programs are ready together, can be ended and started one by one, and never outlive it."""

import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from collector.stack import stack
from collector.stack.errors import NotBuiltError, ProgramDiedError, StackError
from collector.stack.ports import free_ports, usual_ports
from collector.stack.stack import Stack
from telemetry.cli import main
from tests.unit.stack_stand_in import DIE, IGNORE, StandIn

ROOT = Path(__file__).parents[2]


def test_a_stack_is_ready_when_entered_and_gone_when_left(tmp_path: Path) -> None:
    """Both programs answer inside the block; after it neither lives, and their logs are left to read."""
    first, second = StandIn("first", variables={"ROLE": "first"}), StandIn("second")
    with Stack([first, second], data_dir=tmp_path, environment={"ROLE": "overridden"}) as stack:
        assert stack.names == ["first", "second"]
        assert stack.shown == [("The first", stack.url("first.web")), ("The second", stack.url("second.web"))]
        for name in stack.names:
            assert urllib.request.urlopen(stack.url(f"{name}.web", "/")).status == 200
        processes = [psutil.Process(stack.pid(name)) for name in stack.names]
        assert stack.log("first").read_text().startswith("began as overridden\n")
    assert [process.is_running() for process in processes] == [False, False]
    assert (tmp_path / "first" / "prepared").exists()


def test_a_killed_program_comes_back_where_it_was(tmp_path: Path) -> None:
    """After kill and restart it is another process on the same address; the others were left alone."""
    with Stack([StandIn("one"), StandIn("other")], data_dir=tmp_path) as stack:
        pids, ports = [stack.pid(name) for name in stack.names], dict(stack.ports)
        stack.kill("one")
        assert not stack.is_alive("one")
        assert stack.exit_message("one").startswith("one was ended by SIGKILL. The end of ")
        with pytest.raises(StackError, match="other is running"):
            stack.start("other")
        stack.restart("one")
        assert urllib.request.urlopen(stack.url("one.web", "/")).status == 200
        assert (stack.pid("one") != pids[0], stack.pid("other") == pids[1], stack.ports == ports) == (True, True, True)


def test_a_program_that_dies_at_its_start_is_reported_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error holds its exit status and last lines in their order, and what had started is ended."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    well, before = StandIn("well"), children()
    with pytest.raises(ProgramDiedError) as raised, Stack([well, StandIn("ill", DIE)], data_dir=tmp_path):
        pass
    assert raised.value.message == (
        f"ill ended with exit status 1. The end of {tmp_path}/logs/ill.log:\n  first word\n  no such setting"
    )
    assert children() == before


def test_a_program_that_is_never_ready_is_waited_for_no_longer_than_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names it, and all programs are ended."""
    monkeypatch.setattr(stack, "PATIENCE", 0.3)
    before = children()
    with (
        pytest.raises(StackError, match="mute is not ready in time"),
        Stack([StandIn("mute", MUTE)], data_dir=tmp_path),
    ):
        pass
    assert children() == before


MUTE = "import signal; print('thinking', flush=True); signal.pause()"


def test_a_program_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGTERM ignored, SIGKILL follows after the grace."""
    monkeypatch.setattr("collector.stack.stack.GRACE", 0.1)
    with Stack([StandIn(script=IGNORE)], data_dir=tmp_path) as stack:
        process = psutil.Process(stack.pid("stand-in"))
    assert not process.is_running()


def test_what_is_not_built_is_reported_before_anything_starts(tmp_path: Path) -> None:
    """The programs before it in the profile are not started and stopped again."""

    class Absent(StandIn):
        def command(self, place: object) -> list[str]:
            raise NotBuiltError("absent 1.0 is not built", "make stack")

    with pytest.raises(NotBuiltError), Stack([StandIn("present"), Absent("absent")], data_dir=tmp_path):
        pass
    assert not (tmp_path / "logs").exists()


def test_kill_9_of_the_owner_ends_every_program(tmp_path: Path) -> None:
    """Nothing is left listening after a crash, and the folder is free for the next stack."""
    script = (
        "import sys\nfrom pathlib import Path\nfrom collector.stack.stack import Stack\n"
        "from tests.unit.stack_stand_in import IGNORE, StandIn\n"
        "with Stack([StandIn('one', IGNORE), StandIn('two')], data_dir=Path(sys.argv[1])) as stack:\n"
        "    print(stack.pid('one'), stack.pid('two'), flush=True)\n    sys.stdin.read()\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with owner:
        assert owner.stdout is not None
        programs = [psutil.Process(int(pid)) for pid in owner.stdout.readline().split()]
        owner.kill()
        _, alive = psutil.wait_procs(programs, timeout=20)
    assert (len(programs), alive) == (2, [])
    with Stack([StandIn("one")], data_dir=tmp_path):
        pass


def test_a_folder_has_one_stack(tmp_path: Path) -> None:
    """The second is refused by the pid of the first, and the first goes on."""
    with Stack([StandIn()], data_dir=tmp_path) as stack:
        with (
            pytest.raises(StackError, match=rf"running in {tmp_path} already \(pid {os.getpid()}\)"),
            Stack([StandIn()], data_dir=tmp_path),
        ):
            pass
        assert stack.is_alive("stand-in")


def test_a_thread_may_not_start_programs(tmp_path: Path) -> None:
    """They would end with the thread: that is an error at once."""
    problems: list[Exception] = []

    def start() -> None:
        try:
            with Stack([StandIn()], data_dir=tmp_path):
                pass
        except StackError as problem:
            problems.append(problem)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert [str(problem) for problem in problems] == [
        "A program was started from a thread.\nStart it from the main one: it ends with it."
    ]


def test_a_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    """A file in its place, for instance."""
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match=r"cannot be used"), Stack([], data_dir=tmp_path / "file" / "data"):
        pass


@pytest.fixture
def listening() -> Iterator[int]:
    """A port that this process listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_taken_port_is_named_with_its_holder(tmp_path: Path, listening: int) -> None:
    """What wanted it, the port, the program that has it and its pid; nothing is started."""
    taken = StandIn("jaeger", usual=listening)
    with pytest.raises(StackError) as raised, Stack([taken, StandIn("free")], ports="usual", data_dir=tmp_path):
        pass
    name = psutil.Process().name()
    assert raised.value.message == (
        f"jaeger.web: port {listening} (127.0.0.1:{listening}) is taken by {name} (pid {os.getpid()})"
    )
    assert raised.value.hint == "End those programs, or use other ports: --port PROGRAM.USE=PORT."


def test_other_ports_replace_the_usual_ones(listening: int) -> None:
    """Only those that are named, and only by names that there are."""
    free = free_ports([StandIn("a")])["a.web"]
    assert usual_ports([StandIn("a", usual=listening), StandIn("b", usual=0)], {"a.web": free}) == {
        "a.web": free,
        "b.web": 0,
    }


@pytest.mark.parametrize(
    ("written", "error_text", "hint"),
    [
        ("--profile=ful", "--profile 'ful' is not one of minimal, full, scale, gateways.", "Did you mean full?"),
        ("--port=jager.query=1", "--port 'jager.query' is not one of jaeger.query, ", "Did you mean jaeger.query?"),
        (
            "--port=collector.otlp_gprc=1",
            "--port 'collector.otlp_gprc' is not one of jaeger.query, ",
            "Did you mean collector.otlp_grpc or collector.otlp_http?",
        ),
        ("--profile=everything", "--profile 'everything' is not one of ", "See telemetry stack up --help."),
    ],
)
def test_a_misspelt_option_is_named_before_anything_starts(
    written: str, error_text: str, hint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was typed, what there is and what is nearest; not a word of starting, and no folder."""
    assert main(["stack", "up", "--data", str(tmp_path / "data"), written]) == 2
    printed = capsys.readouterr()
    wrong, fix = printed.err.splitlines()
    assert (printed.out, wrong[: len(error_text)], fix) == ("", error_text, hint)
    assert not (tmp_path / "data").exists()


def test_free_ports_are_all_different_and_stay_free() -> None:
    """A hundred programs get a hundred ports, none of which the system gives to a connection meanwhile."""
    ports = free_ports([StandIn(f"p{number}") for number in range(100)])
    assert len(set(ports.values())) == len(ports) == 100
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        assert max(ports.values()) < 32768 <= any_port.getsockname()[1]


def children() -> list[str]:
    return [child.name() for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]


UP = """
import sys
from collector.stack import profiles, stack
from telemetry.cli import main
from tests.unit.stack_stand_in import IGNORE, SERVE, StandIn
one, two = [int(port) for port in sys.argv[1].split(",")]
profiles.PROFILES = {"minimal": [StandIn(f"p{one}", IGNORE, one), StandIn(f"p{two}", SERVE, two)]}
stack.GRACE = 0.5
sys.exit(main(["stack", *sys.argv[2:]]))
"""


class Commands:
    """`telemetry stack …` on stand-ins, each command a process of its own."""

    def __init__(self, data: Path) -> None:
        self.ports = list(free_ports([StandIn("a"), StandIn("b")]).values())
        self.data = data

    def _command(self, name: str) -> list[str]:
        ports = ",".join(map(str, self.ports))
        return [sys.executable, "-u", "-c", UP, ports, name, "--data", str(self.data)]

    def run(self, name: str) -> tuple[int, str]:
        ended = subprocess.run(self._command(name), cwd=ROOT, capture_output=True, text=True, check=False)
        return ended.returncode, ended.stdout + ended.stderr

    def up(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._command("up"), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    return Commands(tmp_path / "data")


def read_until(process: subprocess.Popen[str], word: str) -> str:
    """Its output up to the line with a word."""
    output = ""
    assert process.stdout is not None
    for line in process.stdout:
        output += line
        if word in line:
            return output
    raise AssertionError(f"no {word!r} in {output!r}")


def test_up_status_and_down(commands: Commands) -> None:
    """`up` prints every address and stays; `status` asks each program; a second `up` is refused; `down` ends it all."""
    one, two = commands.ports
    with commands.up() as up:
        output = read_until(up, "Ctrl-C")
        assert "minimal is ready" in output
        assert f"http://127.0.0.1:{one}" in output
        assert f"http://127.0.0.1:{two}" in output
        code, status = commands.run("status")
        assert (code, [line.split() for line in status.splitlines()]) == (
            0,
            [[f"p{one}", "ready", f"http://127.0.0.1:{one}"], [f"p{two}", "ready", f"http://127.0.0.1:{two}"]],
        )
        code, refused = commands.run("up")
        assert (code, f"already (pid {up.pid}).\nEnd it: telemetry stack down" in refused) == (2, True)
        programs = psutil.Process(up.pid).children()
        assert commands.run("down") == (0, "Ended.\n")
        assert (len(programs), [process.is_running() for process in programs]) == (2, [False, False])
        assert up.wait(20) == 0
    assert commands.run("status") == (1, f"No stack is running in {commands.data}.\n")
    assert commands.run("down") == (1, f"No stack is running in {commands.data}.\n")


def test_ctrl_c_ends_the_stack_in_order(commands: Commands) -> None:
    """Ctrl-C reaches the command alone, which ends its programs itself: a clean end, exit status 0."""
    with commands.up() as up:
        read_until(up, "Ctrl-C")
        programs = psutil.Process(up.pid).children()
        groups = {os.getpgid(process.pid) for process in programs}
        assert (len(programs), len(groups), os.getpgid(up.pid) in groups) == (2, 2, False)
        up.send_signal(signal.SIGINT)
        assert read_until(up, "Ended.") == "Ended.\n"
        assert up.wait(20) == 0
        assert psutil.wait_procs(programs, timeout=20)[1] == []


def test_a_program_that_dies_is_reported_while_the_others_go_on(commands: Commands) -> None:
    """`up` reports how it ended; `status` reports that it does not respond; the exit status is 1."""
    with commands.up() as up:
        read_until(up, "Ctrl-C")
        first, _ = psutil.Process(up.pid).children()
        first.kill()
        name = f"p{commands.ports[0]}"
        assert f"{name} was ended by SIGKILL." in read_until(up, "SIGKILL")
        code, status = commands.run("status")
        assert (code, [line.split()[1] for line in status.splitlines()]) == (1, ["does", "ready"])
        up.terminate()
        assert up.wait(20) == 1
