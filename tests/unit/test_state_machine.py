"""Any program of nested blocks, generators, tasks, threads, cancellations and failures has the trace it should have.

Hypothesis makes programs for the actors of `tests.unit.actors`, one command after another. `tests.unit.tree_model`
has the expected trace. Each program is played a second time without any telemetry: what its actors saw must be equal,
their values, exceptions, and their own context variable.

A longer run: `STATE_MACHINE_EXAMPLES=5000 pytest tests/unit/test_state_machine.py`. With `STATE_MACHINE_AS_FOUND=1` a
program that fails is reported as it was found, at once, instead of as the shortest one of its kind.
"""

import contextlib
import gc
import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

import telemetry
from telemetry.testing.recording import record_spans
from tests.unit.actor_commands import (
    Close,
    Command,
    Drive,
    Fail,
    FanOut,
    Generate,
    Open,
    Seen,
    Shut,
    Start,
    Throw,
)
from tests.unit.actors import World
from tests.unit.tree_model import Model, Raised, Span

EXAMPLES = int(os.environ.get("STATE_MACHINE_EXAMPLES", "0"))
PHASES = tuple(Phase) if "STATE_MACHINE_AS_FOUND" not in os.environ else (Phase.generate,)
PICK = st.integers(0, 20)
BLOCK = st.integers(0, 2)
KIND = st.sampled_from(["generator", "async generator", "task", "thread"])
HOW = st.sampled_from(["with", "decorator", "stack"])
NAMES = ["a", "b", "/c"]


class Bare:
    """A block that does nothing."""

    def __enter__(self) -> None: ...
    def __exit__(self, kind: object, exc: object, tb: object) -> None: ...
    def __call__(self, fn: Any) -> Any:
        return fn


class Programs(RuleBasedStateMachine):
    """One program, played as it is made. `compared` counts those that were held against the model."""

    compared = 0

    def __init__(self) -> None:
        super().__init__()
        gc.freeze()  # what is there already is left out of each collection of a program's dropped generators
        self.open = ExitStack()
        self.spans = self.open.enter_context(record_spans())
        blocks = [telemetry.stage("a"), telemetry.stage("b"), telemetry.endpoint("/c")]
        self.world = World(blocks)
        self.open.callback(self.world.close)
        self.model = Model()
        self.played: list[tuple[Callable[[World], list[Seen]], list[Seen]]] = []
        self.count = 0

    # ---- helpers

    def fresh(self) -> int:
        self.count += 1
        return self.count

    def actors(self, *kinds: str) -> list[int]:
        return [number for number, actor in self.model.actors.items() if actor.alive and actor.kind in kinds]

    def pick(self, number: int, *kinds: str) -> int:
        found = self.actors(*kinds)
        return found[number % len(found)]

    def one_of(self, kind: str, number: int) -> int:
        """An actor of this kind; where there is none, a task."""
        return self.pick(number, kind if self.actors(kind) else "task")

    def play(self, step: Callable[[World], list[Seen]]) -> list[Seen]:
        seen = step(self.world)
        self.played.append((step, seen))
        return seen

    def send(self, actor: int, by: int, command: Command, *, catches: bool = True) -> None:
        """Have an actor carry out a command: a generator is driven by a task, or where it can be by a thread."""
        kind = self.model.actors[actor].kind
        if kind.endswith("generator"):
            command = Drive(actor, command, catches)
            actor = self.pick(by, "task") if kind == "async generator" else self.pick(by, "task", "thread")
        seen = self.play(lambda world: world.send(actor, command))
        with contextlib.suppress(Raised):
            self.model.perform(actor, command)
        self.check(actor, seen[0])
        if isinstance(command, Start):
            self.check(command.actor, seen[1])

    def check(self, actor: int, seen: Seen) -> None:
        """Each actor is in its own context after each command, whoever else ran."""
        if self.model.actors[actor].alive:
            assert seen.current == self.model.top(actor)

    # ---- what may happen

    @initialize(blocks=st.tuples(BLOCK, BLOCK, BLOCK, BLOCK))
    def begin(self, blocks: tuple[int, int, int, int]) -> None:
        """Two generators, an async one, and a task that may drive them beside the first."""
        for block, asynchronous in zip(blocks, (False, False, True), strict=False):
            self.generate(0, block, asynchronous)
        self.start(0, blocks[3], "task")

    @rule(kind=KIND, actor=PICK, by=PICK, block=BLOCK, how=HOW, catches=st.booleans(), timeout=st.booleans())
    def enter(self, kind: str, actor: int, by: int, block: int, how: str, catches: bool, timeout: bool) -> None:
        who = self.one_of(kind, actor)
        timeout = timeout and self.model.actors[who].kind == "task"
        self.send(who, by, Open(self.fresh(), block, how, catches, timeout))

    @rule(kind=KIND, actor=PICK, by=PICK)
    def leave(self, kind: str, actor: int, by: int) -> None:
        who = self.one_of(kind, actor)
        if who != 0 or self.model.actors[0].stack:
            self.send(who, by, Close())

    @rule(kind=KIND, actor=PICK, by=PICK, catches=st.booleans())
    def fail(self, kind: str, actor: int, by: int, catches: bool) -> None:
        who = self.one_of(kind, actor)
        driver = who if not self.model.actors[who].kind.endswith("generator") else 0
        if any(block.catches for block in self.model.actors[driver].stack) or (driver != 0 and who == driver):
            self.send(who, by if driver else 0, Fail(self.fresh()), catches=catches)
        elif who != driver:
            self.send(who, by, Fail(self.fresh()))

    @rule(actor=PICK, block=BLOCK, asynchronous=st.booleans())
    def generate(self, actor: int, block: int, asynchronous: bool) -> None:
        who = self.pick(actor, "task", "thread")
        number = self.fresh()
        self.send(who, 0, Generate(number, number, block, asynchronous))

    @rule(actor=PICK, block=BLOCK, kind=st.sampled_from(["task", "carried", "bare"]))
    def start(self, actor: int, block: int, kind: str) -> None:
        who = self.pick(actor, "task") if kind == "task" else self.pick(actor, "task", "thread")
        number = self.fresh()
        self.send(who, 0, Start(number, number, block, kind))

    @precondition(lambda self: self.begun())
    @rule(generator=PICK, by=PICK)
    def throw(self, generator: int, by: int) -> None:
        who = self.begun()[generator % len(self.begun())]
        self.send(self.driver(who, by), 0, Throw(who, self.fresh(), catches=True))

    @precondition(lambda self: self.actors("generator", "async generator"))
    @rule(generator=PICK, by=PICK, drop=st.booleans())
    def give_up(self, generator: int, by: int, drop: bool) -> None:
        who = self.pick(generator, "generator", "async generator")
        if drop:
            self.let_go(who)
        else:
            self.send(self.driver(who, by), 0, Shut(who))

    @precondition(lambda self: len(self.actors("task")) > 1)
    @rule(task=PICK)
    def cancel(self, task: int) -> None:
        others = self.actors("task")[1:]
        who = others[task % len(others)]
        self.play(lambda world: world.cancel(who))
        self.model.cancel(who)

    @precondition(lambda self: self.timeouts())
    @rule(which=PICK)
    def expire(self, which: int) -> None:
        found = self.timeouts()
        who, label = found[which % len(found)]
        seen = self.play(lambda world: world.expire(who, label))
        self.model.expire(who, label)
        self.check(who, seen[0])

    @rule(task=PICK, outcomes=st.lists(st.sampled_from(["ok", "fail", "hang"]), max_size=3), group=st.booleans())
    def fan_out(self, task: int, outcomes: list[str], group: bool) -> None:
        children = tuple((self.fresh(), outcome) for outcome in outcomes)
        who = self.pick(task, "task")
        timed = any(
            block.timeout for block in self.model.actors[who].stack
        )  # Python 3.11 miscounts cancellations there
        self.send(who, 0, FanOut(children, group and not timed))

    def begun(self) -> list[int]:
        return [actor for actor in self.actors("generator", "async generator") if self.model.actors[actor].stack]

    def driver(self, generator: int, by: int) -> int:
        kinds = ["task"] if self.model.actors[generator].kind == "async generator" else ["task", "thread"]
        return self.pick(by, *kinds)

    def timeouts(self) -> list[tuple[int, int]]:
        """Blocks whose timeout can run out without ending the program."""
        found = []
        for number in self.actors("task"):
            for place, block in enumerate(self.model.actors[number].stack):
                handled = number != 0 or any(below.catches for below in self.model.actors[0].stack[: place + 1])
                if block.timeout and handled:
                    found.append((number, block.label))
        return found

    def let_go(self, generator: int) -> None:
        def step(world: World) -> list[Seen]:
            world.drop(generator)
            gc.collect()
            return []

        self.play(step)
        self.model.shut(generator)

    # ---- the end

    def teardown(self) -> None:
        with self.open:  # ends the world and the recording
            for number in self.actors("generator", "async generator"):
                self.let_go(number)
            for number in reversed(self.actors("task", "thread")):
                while self.model.actors[number].stack:
                    self.send(number, 0, Close())
            self.play(lambda world: world.send(0, Close()))
            assert self.spans.open == []
            assert traced(self.spans) == self.model.spans
        bare = World([Bare()] * 3, carry=lambda fn: fn)
        with contextlib.closing(bare):
            for step, seen in self.played:
                assert step(bare) == seen
        Programs.compared += 1


def traced(spans: Any) -> dict[int, Span]:
    """The recorded spans, by the label that their bodies gave them, as far as the model knows them."""
    by_id = {span.context.span_id: span for span in spans}
    found = {}
    for span in spans:
        parent = by_id[span.parent.span_id].attributes["label"] if span.parent else None
        failed = span.attributes.get("error.type")
        events = [last(event.attributes["exception.type"]) for event in span.events]
        assert (failed is not None) == (span.status.status_code.name == "ERROR")
        found[span.attributes["label"]] = Span(NAMES.index(span.name), parent, failed and last(failed), events)
    assert len(found) == len(spans)
    return found


def last(name: str) -> str:
    return name.rpartition(".")[2]


def test_any_program_has_its_trace_and_is_not_changed() -> None:
    """Whatever nests, interleaves, fails, is cancelled or dropped: the trace is the model's, the program the same."""
    profile = settings(
        max_examples=EXAMPLES or 200,
        stateful_step_count=40,
        derandomize=not EXAMPLES,
        database=None,
        deadline=None,
        phases=PHASES,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(Programs, settings=profile)
    finally:
        gc.unfreeze()
    assert Programs.compared > 0
