"""A stack in the foreground, and word of it from elsewhere.

In: a profile, ports, a folder. Out: a table of addresses, word of programs that die, an exit status. State: the stack.
"""

import contextlib
import signal
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import psutil
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table

from collector.stack import state
from collector.stack.errors import StackError
from collector.stack.profiles import programs_of
from collector.stack.programs.program import Place
from collector.stack.stack import Stack

_ENDING: Final = 90.0
"""Seconds that `down` waits: several programs may take their whole grace."""


def up(profile: str, ports: Mapping[str, int], data: Path | None) -> int:
    """Run a stack until Ctrl-C, SIGTERM, `down`, or its last program's end; 1 where a program ended by itself."""
    console, data, dead = Console(), data or state.default_data(), set[str]()
    stack = Stack(profile, ports=ports, data_dir=data)
    with _signals() as news:
        try:
            with contextlib.ExitStack() as held:
                with _saying(console, f"Starting {', '.join(stack.names)} …"):
                    held.enter_context(stack)
                state.write(data, profile, stack.ports)
                console.print(_addresses(stack, profile, data))
                while len(dead) < len(stack.names):
                    news.wait()
                    news.clear()
                    _tell_deaths(stack, dead, console)
        except KeyboardInterrupt:
            console.print("Ended.")
    return 1 if dead else 0


def down(data: Path | None) -> int:
    """End the stack in a folder; 1 where there is none."""
    data, console = data or state.default_data(), Console()
    pid = state.holder(data)
    if pid is None:
        console.print(f"No stack is running in {escape(str(data))}.", soft_wrap=True)
        return 1
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        process.terminate()
        try:
            process.wait(_ENDING)
        except psutil.TimeoutExpired:
            raise StackError(
                f"The stack (pid {pid}) does not end.", f"kill -9 {pid}   ends it and all of it."
            ) from None
    console.print("Ended.")
    return 0


def status(data: Path | None) -> int:
    """Ask every program how it is; 1 unless all are ready."""
    data, console = data or state.default_data(), Console()
    pid, known = state.holder(data), state.read(data)
    if pid is None or known is None:
        what = "No stack is running" if pid is None else f"The stack (pid {pid}) is starting or ending"
        console.print(f"{what} in {escape(str(data))}.", soft_wrap=True)
        return 1
    place = Place(known["ports"], data)
    table, ready = Table.grid(padding=(0, 2)), True
    for program in programs_of(known["profile"]):
        well = program.is_ready(place)
        ready = ready and well
        where = "  ".join(p.scheme + place.address(program.name, p.use) for p in program.ports if p.title)
        table.add_row(program.name, "[green]ready[/]" if well else "[red]does not answer[/]", where)
    console.print(table)
    return 0 if ready else 1


@contextlib.contextmanager
def _signals() -> Iterator[threading.Event]:
    """Make SIGTERM and SIGHUP end us as Ctrl-C does; give an event that is set when a child ends."""
    news = threading.Event()

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: news.set())
    try:
        yield news
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _saying(console: Console, what: str) -> contextlib.AbstractContextManager[object]:
    """A spinner, or one line where there is no terminal."""
    if console.is_terminal:
        return console.status(what)
    console.print(what)
    return contextlib.nullcontext()


def _addresses(stack: Stack, profile: str, data: Path) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.title = f"[bold green]●[/] [bold]{profile}[/] is ready"
    table.title_justify = "left"
    for title, address in stack.shown:
        table.add_row(f"  {title}", f"[cyan]{address}[/]")
    table.add_row("  data and logs", escape(str(data)))
    table.add_row("", "[dim]telemetry stack status, or down, elsewhere; Ctrl-C here ends it[/]")
    return table


def _tell_deaths(stack: Stack, dead: set[str], console: Console) -> None:
    for name in stack.names:
        if name not in dead and not stack.is_alive(name):
            dead.add(name)
            console.print(f"[red]{escape(stack.obituary(name))}[/]", soft_wrap=True, highlight=False)
