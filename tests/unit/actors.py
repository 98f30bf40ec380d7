"""Programs of tasks, threads and generators that are played one command at a time.

In: commands. Out: what the one who carried a command out saw: values, exceptions, a context variable. State: the
actors, owned by one `World`. A world is played with our blocks, or bare: what is seen must be the same.

Each actor waits inside its innermost block for the next command, so that blocks of all actors are open at the same time
and are left in any order.
"""

import asyncio
import contextlib
import functools
import queue
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractContextManager
from typing import Any

from opentelemetry import trace

from telemetry import context
from tests.unit.actor_commands import (
    VARIABLE,
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
    UserError,
    see,
    shown,
)

PATIENCE = 10


class TaskActor:
    """Exchanges what it saw for the next command, as a task."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.seen: asyncio.Future[Seen] = self.loop.create_future()
        self.next: asyncio.Future[Command] = self.loop.create_future()
        self.task: asyncio.Task[Any]
        self.timeouts: dict[int, asyncio.Timeout] = {}

    async def exchange(self, seen: Seen) -> Command:
        self.next = self.loop.create_future()
        self.seen.set_result(seen)
        return await self.next


class ThreadActor:
    """Exchanges what it saw for the next command, as a thread."""

    def __init__(self) -> None:
        self.seen: queue.Queue[Seen] = queue.Queue()
        self.next: queue.Queue[Command] = queue.Queue()
        self.thread: threading.Thread

    def exchange(self, seen: Seen) -> Command:
        self.seen.put(seen)
        return self.next.get(timeout=PATIENCE)


class World:
    """All actors. Number 0 is a task in no block."""

    def __init__(self, blocks: list[Any], carry: Callable[[Any], Any] = context.carry) -> None:
        self._blocks = blocks
        self._carry = carry
        self._loop = asyncio.new_event_loop()
        self._tasks: dict[int, TaskActor] = {}
        self._threads: dict[int, ThreadActor] = {}
        self._generators: dict[int, Any] = {}
        self._primed: set[int] = set()
        self._raised: dict[int, UserError] = {}
        self._loop.run_until_complete(self._start_root())

    # ---- from outside

    def send(self, actor: int, command: Command) -> list[Seen]:
        """Have a task or a thread carry a command out; what it saw, and what those saw that it started."""
        if actor in self._threads:
            threaded = self._threads[actor]
            threaded.next.put(command)
            seen = threaded.seen.get(timeout=PATIENCE)
        else:
            seen = self._loop.run_until_complete(self._send(self._tasks[actor], command))
        return [seen, *self._started(command)]

    def cancel(self, actor: int) -> list[Seen]:
        """Cancel a task."""
        task = self._tasks[actor]
        task.seen = self._loop.create_future()
        task.task.cancel()
        return [self._loop.run_until_complete(self._answer(task))]

    def expire(self, actor: int, label: int) -> list[Seen]:
        """Let the timeout of one of a task's blocks run out."""
        task = self._tasks[actor]
        task.seen = self._loop.create_future()
        self._loop.call_soon(lambda: task.timeouts[label].reschedule(0))
        return [self._loop.run_until_complete(self._answer(task))]

    def drop(self, actor: int) -> None:
        """Forget a generator: nobody holds it any more."""
        del self._generators[actor]
        self._loop.run_until_complete(self._settle())

    def close(self) -> None:
        """Bring to an end what is left, and close the loop."""
        for actor in self._threads.values():
            while actor.thread.is_alive():
                actor.next.put(Close())
                actor.thread.join(0.001)
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._generators.clear()
        self._loop.run_until_complete(self._settle())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _settle(self) -> None:
        for _ in range(40):  # asyncio closes a dropped async generator in a task of its own
            await asyncio.sleep(0)

    async def _start_root(self) -> None:
        root = self._tasks[0] = TaskActor()
        root.task = self._loop.create_task(self._steps(root, None))
        await root.seen

    async def _send(self, actor: TaskActor, command: Command) -> Seen:
        actor.seen = self._loop.create_future()
        actor.next.set_result(command)
        return await self._answer(actor)

    async def _answer(self, actor: TaskActor) -> Seen:
        await asyncio.wait([actor.seen, actor.task], return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE)
        if actor.seen.done():
            return actor.seen.result()
        if actor.task.cancelled():
            return Seen("cancelled", None, None)
        exc = actor.task.exception()
        return Seen(("raised", shown(exc)) if exc else ("ended", actor.task.result()), None, None)

    def _started(self, command: Command) -> list[Seen]:
        while isinstance(command, Drive):
            command = command.command
        if not isinstance(command, Start):
            return []
        if command.kind == "task":
            return [self._loop.run_until_complete(self._answer(self._tasks[command.actor]))]
        return [self._threads[command.actor].seen.get(timeout=PATIENCE)]

    # ---- what actors do

    def _begin(self, label: int | None) -> None:
        if label is not None:
            trace.get_current_span().set_attribute("label", label)
            VARIABLE.set(label)

    def _error(self, number: int) -> UserError:
        self._raised[number] = UserError(number)
        return self._raised[number]

    def _caught(self, exc: BaseException) -> Any:
        theirs = not isinstance(exc, UserError) or exc is self._raised[exc.args[0]]
        return ("caught", theirs, shown(exc))

    def _do(self, command: Command) -> Any:
        match command:
            case Fail(number):
                raise self._error(number)
            case Generate(actor, label, block, asynchronous):
                steps = self._async_generator if asynchronous else self._generator
                self._generators[actor] = self._blocks[block](steps)(label)
            case Start():
                self._start(command)
            case Drive(actor, inner, catches):
                return self._handled(catches, lambda: self._drive(actor, inner))
            case Throw(actor, number, catches):
                return self._handled(catches, lambda: self._generators[actor].throw(self._error(number)))
            case Shut(actor):
                return self._generators[actor].close()
        return None

    def _handled(self, catches: bool, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except StopIteration as stop:
            return ("stopped", stop.value)
        except UserError as exc:
            if not catches:
                raise
            return self._caught(exc)

    def _drive(self, actor: int, command: Command) -> Any:
        if actor not in self._primed:
            self._primed.add(actor)
            next(self._generators[actor])
        return self._generators[actor].send(command)

    def _start(self, command: Start) -> None:
        block = self._blocks[command.block]
        if command.kind == "task":
            actor = self._tasks[command.actor] = TaskActor()
            actor.task = self._loop.create_task(block(self._steps)(actor, command.label))
            return
        threaded = self._threads[command.actor] = ThreadActor()
        work = block(self._plain)

        def run() -> None:
            try:
                seen = Seen(("ended", work(threaded, command.label)), None, None)
            except UserError as exc:
                seen = Seen(("raised", shown(exc)), None, None)
            threaded.seen.put(seen)

        target = self._carry(run) if command.kind == "carried" else run
        threaded.thread = threading.Thread(target=target, daemon=True)
        threaded.thread.start()

    def _entered(self, command: Open) -> tuple[AbstractContextManager[Any], Callable[[Any], Any]]:
        """What to enter around the steps of a block, and what to decorate them with."""
        block = self._blocks[command.block]
        if command.how == "decorator":
            return contextlib.nullcontext(), block
        if command.how == "stack":
            stack = contextlib.ExitStack()
            stack.enter_context(block)
            return stack, lambda steps: steps
        return block, lambda steps: steps

    async def _do_async(self, command: Command) -> Any:
        if isinstance(command, FanOut):
            return await (self._group(command) if command.group else self._gather(command))
        generator = self._generators.get(getattr(command, "actor", -1))
        if generator is None or isinstance(command, Generate | Start) or not hasattr(generator, "asend"):
            return self._do(command)
        try:
            return await self._drive_async(generator, command)
        except StopAsyncIteration:
            return "stopped"
        except UserError as exc:
            if not getattr(command, "catches", False):
                raise
            return self._caught(exc)

    async def _drive_async(self, generator: AsyncGenerator[Any, Any], command: Command) -> Any:
        match command:
            case Throw(_, number, _):
                return await generator.athrow(self._error(number))
            case Drive(actor, inner, _):
                if actor not in self._primed:
                    self._primed.add(actor)
                    await anext(generator)
                return await generator.asend(inner)
        return await generator.aclose()

    async def _child(self, label: int, outcome: str, hangs: asyncio.Event) -> int:
        self._begin(label)
        if outcome == "fail":
            raise self._error(label)
        if outcome == "hang":
            hangs.set()
            await asyncio.Event().wait()
        return label

    async def _gather(self, command: FanOut) -> Any:
        child = self._blocks[0](self._child)
        hangs = [asyncio.Event() for _ in command.children]
        tasks = [asyncio.create_task(child(*one, event)) for one, event in zip(command.children, hangs, strict=True)]
        for (_, outcome), event, task in zip(command.children, hangs, tasks, strict=True):
            if outcome == "hang":
                await event.wait()
                task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        return [shown(result) if isinstance(result, BaseException) else result for result in results]

    async def _group(self, command: FanOut) -> Any:
        child = self._blocks[0](self._child)
        hangs = [(outcome, asyncio.Event()) for _, outcome in command.children]
        try:
            async with asyncio.TaskGroup() as group:
                for one, (_, event) in zip(command.children, hangs, strict=True):
                    group.create_task(child(*one, event))
                for outcome, event in hangs:
                    if outcome == "hang":
                        await event.wait()
                        raise self._error(-1)
        except ExceptionGroup as exc:
            return sorted(one.args for one in exc.exceptions)
        return "done"

    # ---- the four shapes of the steps

    def _plain(self, me: ThreadActor, label: int) -> int:
        self._begin(label)
        seen: Any = None
        while True:
            command = me.exchange(see(seen))
            if isinstance(command, Close):
                return label
            if not isinstance(command, Open):
                seen = self._do(command)
                continue
            try:
                around, decorated = self._entered(command)
                with around:
                    seen = decorated(self._plain)(me, command.label)
            except UserError as exc:
                if not command.catches:
                    raise
                seen = self._caught(exc)

    def _generator(self, label: int) -> Generator[Seen, Command, int]:
        self._begin(label)
        seen: Any = None
        while True:
            command = yield see(seen)
            if isinstance(command, Close):
                return label
            if not isinstance(command, Open):
                seen = self._do(command)
                continue
            try:
                around, decorated = self._entered(command)
                with around:
                    seen = yield from decorated(self._generator)(command.label)
            except UserError as exc:
                if not command.catches:
                    raise
                seen = self._caught(exc)

    async def _steps(self, me: TaskActor, label: int | None) -> int | None:
        self._begin(label)
        seen: Any = None
        while True:
            command = await me.exchange(see(seen))
            if isinstance(command, Close):
                return label
            if not isinstance(command, Open):
                seen = await self._do_async(command)
                continue
            try:
                around, decorated = self._entered(command)
                with around:
                    seen = await decorated(self._timed)(me, command)
            except (UserError, TimeoutError) as exc:
                if not command.catches:
                    raise
                seen = self._caught(exc)

    async def _timed(self, me: TaskActor, command: Open) -> int | None:
        if not command.timeout:
            return await self._steps(me, command.label)
        async with asyncio.timeout(None) as me.timeouts[command.label]:
            return await self._steps(me, command.label)

    async def _async_generator(self, label: int) -> AsyncGenerator[Seen, Command]:
        self._begin(label)
        seen: Any = None
        while True:
            command = yield see(seen)
            if isinstance(command, Close):
                return
            if not isinstance(command, Open):
                seen = await self._do_async(command)
                continue
            try:
                around, decorated = self._entered(command)
                with around:
                    inner = decorated(self._async_generator)(command.label)
                    step: Any = inner.__anext__
                    while True:  # what `yield from` does
                        try:
                            item = await step()
                        except StopAsyncIteration:
                            break
                        try:
                            step = functools.partial(inner.asend, (yield item))
                        except BaseException as exc:  # noqa: BLE001
                            step = functools.partial(inner.athrow, exc)
                seen = "left"
            except UserError as exc:
                if not command.catches:
                    raise
                seen = self._caught(exc)
