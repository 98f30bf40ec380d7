"""What `endpoint` and `stage` have in common: one object is a decorator and a reusable context manager.

In: calls and `with` blocks. Out: recorders. State: the recorders of the open `with` blocks, owned by the object.

That state has no lock, which a fork could leave locked for ever: each operation on the list is one step of the
interpreter, and a thread removes only its own entries.
"""

import contextlib
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType, TracebackType
from typing import ClassVar, Final, TypeVar

from opentelemetry.trace import INVALID_SPAN, Span

from telemetry.errors import TelemetryError
from telemetry.recording import providers
from telemetry.recording.current import get_current
from telemetry.recording.guard import guard
from telemetry.recording.runs.inside import can_decorate
from telemetry.recording.runs.recorder import NO_RECORDER, Recorder

F = TypeVar("F")
_Entry = tuple[int, int, Recorder]  # of an open block: the ids of its frame and of that's code, and its run
_in_use: Final = providers.current


class Block:
    """A named piece of work. Subclasses define how a run of it begins."""

    __slots__ = ("_open",)
    _of_runs: ClassVar[Mapping[str, Callable[[], object]]] = {"_open": list}
    """The fields that a copy does not share, each with what makes its initial value."""

    def __init__(self) -> None:
        self._open: list[_Entry] = []

    def _begin(self) -> Recorder:
        raise NotImplementedError

    def __getstate__(self) -> dict[str, object]:
        """Leave out of a copy what belongs to runs: open blocks are left where they were entered."""
        names = (name for kind in type(self).__mro__ for name in getattr(kind, "__slots__", ()))
        return {name: getattr(self, name) for name in names if name not in self._of_runs}

    def __setstate__(self, state: dict[str, object]) -> None:
        new = {name: make() for name, make in self._of_runs.items()}
        for name, value in {**state, **new}.items():
            setattr(self, name, value)

    def __enter__(self) -> Span:
        if _in_use.off:  # what is switched off costs next to nothing
            return INVALID_SPAN
        run = self._begin()
        if run is NO_RECORDER:
            return INVALID_SPAN
        frame = sys._getframe(1)  # noqa: SLF001  the public way is `inspect`'s, slow
        self._open.append((id(frame), id(frame.f_code), run))
        return run.__enter__()

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        opened = self._open
        if not opened:
            return
        run: Recorder = NO_RECORDER
        try:
            # A single one is ours: those that other threads open from now on come after it.
            entry = opened[0] if len(opened) == 1 else _ending(opened[::-1], sys._getframe(1))  # noqa: SLF001  as above
            opened.remove(entry)
            run = entry[2]
        except Exception as error:  # noqa: BLE001  whatever it is, it is ours
            guard.caught(error)
        run.__exit__(kind, exc, tb)


def _ending(opened: Sequence[_Entry], frame: FrameType) -> _Entry:
    """Return which of several open `with` blocks ends now, in `frame`; `opened` has the last one first.

    Tasks, threads and interleaved generators leave their blocks in any order, and a generator's block may be left in
    another context than it was entered in; but a block is always left by the frame that entered it. For blocks in an
    `ExitStack` or another helper, whose frames cannot identify them, the current context does.

    A frame is known by its code too: a helper that enters in its own `__enter__` leaves in its `__exit__`, whose frame
    may lie where the other one was.
    """
    code = frame.f_code
    block = None if code.co_filename == contextlib.__file__ else (id(frame), id(code))
    last = opened[0]
    if last[:2] == block:
        return last
    current = get_current()
    mine = (entry for entry in opened if entry[:2] == block)
    same_context = (entry for entry in opened if getattr(entry[2], "context", None) is current)
    return next(mine, next(same_context, last))


def check_decorated(decorator: str, fn: object) -> None:
    """Refuse to decorate what would no longer be what it was.

    A function in the place of a class has no subclasses and no instances.
    """
    if isinstance(fn, type):
        hint = f"decorate its methods, or call telemetry.instrument({fn.__name__}) after it"
        raise TelemetryError(f"{decorator} decorates functions and methods, not the class {fn.__name__}", hint)
    if not can_decorate(fn):
        hint = "decorate the function itself: the one that is called, or the one inside"
        raise TelemetryError(f"{decorator} decorates functions and methods, not a {type(fn).__name__}", hint)
