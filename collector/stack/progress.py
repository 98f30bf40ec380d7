"""Shows the progress of a build: a spinner with the elapsed time, or plain lines without a terminal."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

_WIDTH: Final = 22


class Lines:
    """A context manager of the display: `begin` a program, call the returned function with each step, `end` it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Progress(
            SpinnerColumn(finished_text=" "),
            TextColumn(f"{{task.fields[name]:<{_WIDTH}}}"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.description}"),
            console=console,
            transient=True,
        )
        self._task: TaskID | None = None
        self._name = ""
        self._began = 0.0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def begin(self, name: str) -> Callable[[str], None]:
        """Start a program's line; call the returned function with each step."""
        self._name, self._began = name, time.monotonic()
        if not self._console.is_terminal:
            self._console.print(f"  {name:<{_WIDTH}} building …", highlight=False)
            return lambda _: None
        task = self._task = self._live.add_task("", name=name, total=None)
        return lambda step: self._live.update(task, description=step)

    def end(self, outcome: str, style: str) -> None:
        """End the line of the last program."""
        if self._task is not None:
            self._live.remove_task(self._task)
            self._task = None
        self.line(self._name, f"{outcome} in {took(time.monotonic() - self._began)}", style)

    def line(self, name: str, outcome: str, style: str) -> None:
        """Print one line."""
        self._console.print(f"  {name:<{_WIDTH}} [{style}]{outcome}[/]", highlight=False, soft_wrap=True)


def took(seconds: float) -> str:
    """Format a duration."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
