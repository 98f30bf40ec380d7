"""The commands `up`, `down` and `status`: runs a stack in the foreground, ends it, shows its state."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from collector.processes.child import interrupted_by
from collector.stack import state
from collector.stack.errors import StackError
from collector.stack.profiles import programs_of, with_added
from collector.stack.programs.alertmanager import Alertmanager, receiver
from collector.stack.programs.program import Place
from collector.stack.stack import Stack

_ENDING: Final = 90.0
"""Seconds that `down` waits: several programs may take their full time to end."""

_POLL: Final = 0.05
"""Seconds between two checks of a lock."""


def up(profile: str, ports: Mapping[str, int], data: Path | None) -> int:
    """Run a stack until Ctrl-C, SIGTERM, `down`, or its last program's end; 1 where a program ended by itself."""
    console, data, exit_status = Console(), data or state.default_data(), 0
    stack = Stack(with_added(programs_of(profile)), ports=ports, data_dir=data)
    with interrupted_by(signal.SIGTERM, signal.SIGHUP):
        try:
            with contextlib.ExitStack() as held:
                with _spinner(console, f"Starting {', '.join(stack.names)} …"):
                    held.enter_context(stack)
                state.write(data, profile, stack.ports)
                for line in _banner(stack, profile, data):
                    console.print(line, soft_wrap=True)
                for name in stack.exits():
                    exit_status = 1
                    console.print(f"[red]{escape(stack.exit_message(name))}[/]", soft_wrap=True, highlight=False)
        except KeyboardInterrupt:
            print("Ended.")  # not by rich, which may have been interrupted in the middle of a line
    return exit_status


def down(data: Path | None) -> int:
    """End the stack in a folder; 1 if none runs."""
    data = data or state.default_data()
    pid = state.holder(data)
    if pid is None:
        print(f"No stack is running in {data}.")
        return 1
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _ENDING
    while state.holder(data) == pid:  # its lock, not its process, which may be a zombie
        if time.monotonic() > deadline:
            raise StackError(f"The stack (pid {pid}) does not end.", f"End it and its programs: kill -9 {pid}")
        time.sleep(_POLL)
    print("Ended.")
    return 0


def status(data: Path | None) -> int:
    """Show whether each program is ready; 1 unless all are."""
    data = data or state.default_data()
    pid, known = state.holder(data), state.read(data)
    if pid is None or known is None:
        what = "No stack is running" if pid is None else f"The stack (pid {pid}) is starting or ending"
        print(f"{what} in {data}.")
        return 1
    place = Place(known["ports"], data)
    table, ready = Table.grid(padding=(0, 2)), True
    ran = {key.partition(".")[0] for key in known["ports"]}
    for program in (each for each in with_added(programs_of(known["profile"])) if each.name in ran):
        is_ready = program.is_ready(place)
        ready = ready and is_ready
        where = "  ".join(p.scheme + place.address(program.name, p.use) for p in program.ports if p.title)
        table.add_row(program.name, "[green]ready[/]" if is_ready else "[red]does not respond[/]", where)
    Console().print(table)
    return 0 if ready else 1


def _spinner(console: Console, what: str) -> contextlib.AbstractContextManager[object]:
    """A spinner on a terminal, else one line."""
    if console.is_terminal:
        return console.status(what)
    console.print(what)
    return contextlib.nullcontext()


def _banner(stack: Stack, profile: str, data: Path) -> Iterator[Text]:
    yield Text.assemble(("● ", "bold green"), (profile, "bold"), " is ready")
    alerts = [("alerts go to", receiver())] if Alertmanager.name in stack.names else []
    for title, address in (*stack.shown, *alerts, ("data and logs", str(data))):
        yield Text.assemble(f"  {title:<16}", (address, "cyan"))
    yield Text.assemble(("  In another terminal: ", "dim"), "telemetry stack status", ("    Ctrl-C ends it.", "dim"))
