"""Child processes: their facts, their ends, and what is reported of them."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from demo_flow import processes as module
from demo_flow.errors import PamazonError
from demo_flow.processes import ChildDied, Processes

READY = "import sys, json; print(json.dumps({'points': 3}), flush=True); "
UNTIL_EOF = READY + "sys.stdin.read()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + READY + "signal.pause()"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    return tmp_path / "logs"


def test_a_child_reports_its_facts_when_it_is_ready(logs: Path) -> None:
    """One line of JSON, and nothing before it."""
    with Processes(logs) as processes:
        assert processes.ready(processes.start_role("child", python(UNTIL_EOF))) == {"points": 3}


def test_a_child_that_dies_at_once_is_reported_with_the_end_of_its_log(logs: Path) -> None:
    """Its own last words are what helps."""
    with Processes(logs) as processes:
        child = processes.start_role("child", python("import sys; sys.exit('the weights are gone')"))
        with pytest.raises(ChildDied) as raised:
            processes.ready(child)
    assert raised.value.message == (
        f"child ended with exit status 1. The end of {logs / 'child.log'}:\n  the weights are gone"
    )


def test_a_childs_words_to_a_person_come_before_its_log(logs: Path) -> None:
    """Lines of JSON beside them are for programs."""
    with Processes(logs) as processes:
        child = processes.start_role("child", python("import sys; sys.exit('{}\\nthe port is taken\\n{}')"))
        with pytest.raises(ChildDied) as raised:
            processes.ready(child)
    assert raised.value.message.splitlines()[1:] == ["  the port is taken"]


def test_a_child_that_never_gets_ready_is_reported(logs: Path) -> None:
    """Waiting ends, and the log is named."""
    with Processes(logs) as processes:
        child = processes.start_role("child", python("import sys; sys.stdin.read()"))
        with pytest.raises(PamazonError, match="child is not ready after 0 s"):
            processes.ready(child, timeout=0.2)


def test_exits_come_one_by_one_until_none_is_left(logs: Path) -> None:
    """Each is reported as it happens, with the signal that ended it."""
    with Processes(logs) as processes:
        first, second = (processes.start_role(name, python(UNTIL_EOF)) for name in ("first", "second"))
        exits = processes.exits()
        first.process.kill()
        assert next(exits).exit_message() == "first was ended by SIGKILL."
        second.process.terminate()
        assert [child.name for child in exits] == ["second"]


def test_every_child_is_gone_after_the_block(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that ignores SIGTERM, by force, and one that is not ours."""
    monkeypatch.setattr(module, "GRACE", 0.3)
    with Processes(logs) as processes:
        foreign = processes.start_other("foreign", python("import signal; signal.pause()"))
        willing, stubborn = (
            processes.start_role(name, python(code)) for name, code in (("willing", UNTIL_EOF), ("stubborn", STUBBORN))
        )
        for child in (willing, stubborn):
            processes.ready(child)
    ended = [child.process.returncode for child in (foreign, willing, stubborn)]
    assert ended == [-signal.SIGTERM, -signal.SIGTERM, -signal.SIGKILL]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a foreign child with its parent")
def test_a_foreign_child_ends_with_a_killed_parent(logs: Path) -> None:
    """A program that does not watch its standard input is ended by the kernel."""
    code = (
        "import json, signal, sys; from pathlib import Path; from demo_flow.processes import Processes\n"
        "with Processes(Path(sys.argv[1])) as processes:\n"
        "    child = processes.start_other('foreign', [sys.executable, '-c', 'import signal; signal.pause()'])\n"
        "    print(child.process.pid, flush=True)\n"
        "    signal.pause()\n"
    )
    with subprocess.Popen([*python(code), str(logs)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        foreign = psutil.Process(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs([foreign], timeout=10)
    assert alive == []


def test_facts_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    """What `announce` prints, `ready` reads."""
    module.announce({"role": "gateway"})
    assert json.loads(capsys.readouterr().out) == {"role": "gateway"}


def test_a_log_holds_the_output_in_its_order(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a program prints is not held back until its end, whatever variables we were started with."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    program = "import sys; print('ready'); print('complaint', file=sys.stderr); print('ended')"
    with Processes(logs) as processes:
        child = processes.start_other("collector", python(program))
        child.process.wait(30)
    assert child.log.read_text().split() == ["ready", "complaint", "ended"]
