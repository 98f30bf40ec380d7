"""What the trace of a program of actors must be, worked out from the commands alone.

In: the commands of `tests.unit.actor_commands`. Out: the spans by label. State: a stack of open blocks for
each actor. Nothing of the library is used here.
"""

import contextlib
from dataclasses import dataclass, field

from tests.unit.actor_commands import Close, Command, Drive, Fail, FanOut, Generate, Open, Shut, Start, Throw


@dataclass
class Span:
    """A span as far as it is compared. `parent` is a label; `failed` its error's type; `events` the exceptions'."""

    block: int
    parent: int | None
    failed: str | None = None
    events: list[str] = field(default_factory=list)


@dataclass
class Actor:
    """`below` is what was current where it began; `stack` are its open blocks, its own first."""

    kind: str
    opening: Open | None = None
    below: int | None = None
    stack: list[Open] = field(default_factory=list)
    alive: bool = True


class Raised(Exception):
    """An exception on its way: which one it is, of what type, whether handlers of `Exception` see it."""

    def __init__(self, key: object, kind: str) -> None:
        super().__init__(key, kind)
        self.key = key
        self.kind = kind


class Model:
    """All actors, as the library should see them. Number 0 is a task in no block."""

    def __init__(self) -> None:
        self.spans: dict[int, Span] = {}
        self.actors: dict[int, Actor] = {0: Actor("task")}
        self._reported: dict[int, set[object]] = {}

    def top(self, number: int) -> int | None:
        """The label that is current in an actor."""
        actor = self.actors[number]
        return actor.stack[-1].label if actor.stack else actor.below

    def perform(self, number: int, command: Command) -> None:
        """Carry a command out; raises `Raised` where none of the actor's blocks handles what was raised."""
        try:
            self._act(number, command)
        except Raised as raised:
            self._unwind(number, raised)

    def cancel(self, number: int) -> None:
        """Cancel a task."""
        self._end_by(number, Raised(object(), "CancelledError"))

    def expire(self, number: int, label: int) -> None:
        """Let the timeout of a block run out: what is inside is cancelled, the block itself sees a `TimeoutError`."""
        cancelled = Raised(object(), "CancelledError")
        while self.top(number) != label:
            self._leave(number, cancelled)
        self._end_by(number, Raised(object(), "TimeoutError"))

    def shut(self, number: int) -> None:
        """Close a generator, or let go of it: nobody failed."""
        actor = self.actors[number]
        while actor.stack:
            self._leave(number, None)
        actor.alive = False

    def _end_by(self, number: int, raised: Raised) -> None:
        with contextlib.suppress(Raised):
            self._unwind(number, raised)

    def _act(self, number: int, command: Command) -> None:
        match command:
            case Open():
                self._enter(number, command)
            case Close():
                self._leave(number, None)
                self.actors[number].alive = bool(self.actors[number].stack) or number == 0
            case Fail(key):
                raise Raised(key, "UserError")
            case Generate(actor, label, block, asynchronous):
                kind = "async generator" if asynchronous else "generator"
                self.actors[actor] = Actor(kind, Open(label, block, "decorator", catches=False))
            case Start(actor, label, block, kind):
                below = None if kind == "bare" else self.top(number)
                self.actors[actor] = Actor("task" if kind == "task" else "thread", below=below)
                self._enter(actor, Open(label, block, "decorator", catches=False))
            case FanOut(children, _):
                self._fan_out(number, children)
            case Shut(actor):
                self.shut(actor)
            case Drive(actor, inner, catches):
                self._begin(actor, number)
                self._pass(catches, actor, inner)
            case Throw(actor, key, catches):
                self._pass(catches, actor, Fail(key))

    def _pass(self, catches: bool, actor: int, command: Command) -> None:
        try:
            self.perform(actor, command)
        except Raised:
            if not catches:
                raise

    def _begin(self, number: int, driver: int) -> None:
        actor = self.actors[number]
        if not actor.stack and actor.opening is not None:
            actor.below = self.top(driver)
            self._enter(number, actor.opening)

    def _fan_out(self, number: int, children: tuple[tuple[int, str], ...]) -> None:
        for label, outcome in children:
            self.spans[label] = Span(0, self.top(number))
            if outcome != "ok":
                kind = "UserError" if outcome == "fail" else "CancelledError"
                self._fail(label, Raised(object(), kind))
            self._over(label)

    def _enter(self, number: int, block: Open) -> None:
        self.spans[block.label] = Span(block.block, self.top(number))
        self.actors[number].stack.append(block)

    def _leave(self, number: int, raised: Raised | None) -> None:
        if self.actors[number].stack:
            label = self.actors[number].stack.pop().label
            if raised is not None:
                self._fail(label, raised)
            self._over(label)

    def _unwind(self, number: int, raised: Raised) -> None:
        actor = self.actors[number]
        while actor.stack:
            catches = actor.stack[-1].catches and raised.kind != "CancelledError"
            self._leave(number, raised)
            if catches:
                return
        actor.alive = False
        raise raised

    def _fail(self, label: int, raised: Raised) -> None:
        """Mark a span, unless it was cancelled; the event stands where an exception is seen first in a request."""
        span = self.spans[label]
        span.failed = None if raised.kind == "CancelledError" else raised.kind
        reported = self._reported.setdefault(self._root(label), set())
        if raised.key not in reported:
            reported.add(raised.key)
            span.events.append(raised.kind)

    def _over(self, label: int) -> None:
        if self._root(label) == label:
            self._reported.pop(label, None)

    def _root(self, label: int) -> int:
        parent = self.spans[label].parent
        return label if parent is None else self._root(parent)
