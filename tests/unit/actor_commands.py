"""The commands of `tests.unit.actors`, and what its actors answer."""

import contextvars
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from opentelemetry import trace

ACTORS = str(Path(__file__).with_name("actors.py"))
VARIABLE: contextvars.ContextVar[int | None] = contextvars.ContextVar("the user's own", default=None)


class UserError(Exception):
    """A failure of the user's."""


@dataclass(frozen=True)
class Open:
    """Enter a block and stay in it. `how`: with, decorator, stack; `timeout`: with an `asyncio.timeout` inside."""

    label: int
    block: int
    how: str
    catches: bool
    timeout: bool = False


@dataclass(frozen=True)
class Close:
    """Leave the innermost block; without one, end."""


@dataclass(frozen=True)
class Fail:
    """Raise in the innermost block."""

    number: int


@dataclass(frozen=True)
class Generate:
    """Make a generator that is an actor once somebody drives it."""

    actor: int
    label: int
    block: int
    asynchronous: bool


@dataclass(frozen=True)
class Drive:
    """Have a generator carry out a command in its next step; `catches`: what it raises is handled at once."""

    actor: int
    command: "Command"
    catches: bool


@dataclass(frozen=True)
class Throw:
    """Throw into a generator."""

    actor: int
    number: int
    catches: bool


@dataclass(frozen=True)
class Shut:
    """Close a generator."""

    actor: int


@dataclass(frozen=True)
class Start:
    """Start a task, a thread, or a thread that carries the context."""

    actor: int
    label: int
    block: int
    kind: str


@dataclass(frozen=True)
class FanOut:
    """Run tasks by `gather` or in a `TaskGroup`; each ends well, fails, or hangs until it is cancelled."""

    children: tuple[tuple[int, str], ...]
    group: bool


Command: TypeAlias = Open | Close | Fail | Generate | Drive | Throw | Shut | Start | FanOut


@dataclass(frozen=True)
class Seen:
    """What an actor saw. `current` is the label of its current span, which a bare world has none of."""

    what: Any
    variable: int | None
    current: int | None = field(compare=False)


def see(what: Any) -> Seen:
    """What there is to see here and now."""
    attributes = getattr(trace.get_current_span(), "attributes", None) or {}
    return Seen(what, VARIABLE.get(), attributes.get("label"))


def shown(exc: BaseException | None) -> Any:
    """An exception as its handler sees it: what it is, what it came from, which of the user's frames it passed."""
    if exc is None:
        return None
    frames = [f.name for f in traceback.extract_tb(exc.__traceback__) if f.filename == ACTORS]
    inside = [shown(one) for one in exc.exceptions] if isinstance(exc, BaseExceptionGroup) else []
    return [type(exc).__name__, exc.args[:1], frames, shown(exc.__context__), shown(exc.__cause__), inside]
