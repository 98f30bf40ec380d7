"""The end of a process: within two seconds whatever the collector does, with every span exported or counted."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import pytest
from grpc import StatusCode

from tests.otlp_stand_in import StandIn, attributes, stand_in
from tests.unit.own_process import Ended, python

PROTOCOLS = ("grpc", "http/protobuf")
LIMIT = 1.7  # seconds of our exit handler, which waits for 1.25 s: two are promised, of which Python needs some itself


@contextmanager
def away() -> Iterator[dict[str, str]]:
    """Nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound, not listening: nobody else gets this port
        address = f"http://127.0.0.1:{held.getsockname()[1]}"
        yield dict.fromkeys(PROTOCOLS, address)


@contextmanager
def refusing() -> Iterator[dict[str, str]]:
    """Every request is answered by "not now"."""
    with stand_in() as by_grpc, stand_in() as by_http:
        by_grpc.refusals = [(StatusCode.UNAVAILABLE, ())] * 1000
        by_http.refusals = [(503, {})] * 1000
        yield {"grpc": by_grpc.grpc, "http/protobuf": by_http.http}


@contextmanager
def hanging() -> Iterator[dict[str, str]]:
    """Requests are taken and never answered."""
    with stand_in() as collector:
        collector.hang.set()
        yield {"grpc": collector.grpc, "http/protobuf": collector.http}


@contextmanager
def mute() -> Iterator[dict[str, str]]:
    """Connections are made, and nobody ever reads from them."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield dict.fromkeys(PROTOCOLS, f"http://127.0.0.1:{listening.getsockname()[1]}")


@contextmanager
def black_hole() -> Iterator[dict[str, str]]:
    """Connections are never made: what comes is dropped, as behind a firewall. A full backlog does so on Linux."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        yield dict.fromkeys(PROTOCOLS, f"http://127.0.0.1:{listening.getsockname()[1]}")


RECORDING = """
import atexit, threading, time, types
log = logging.getLogger("x")
log.addHandler(logging.NullHandler())
logging.getLogger("search_telemetry").addHandler(logging.StreamHandler())
handle = telemetry.configure("x", logs="otlp")

@telemetry.endpoint("/search")
def search(docs):
    with telemetry.stage("work"):
        log.warning("hello")

def flow():
    while True:
        search([1])
        time.sleep(0.001)

class Last:
    def __del__(self, search=search, handle=handle, show=show):
        search([1])
        stats = handle.stats
        show({name: [one.recorded, one.exported, dict(one.dropped)]
              for name, one in (("spans", stats.spans), ("metrics", stats.metrics), ("logs", stats.logs))})

sys.modules["last"] = types.ModuleType("last")  # this one is not emptied while a daemon thread stands in it
sys.modules["last"].last = Last()
threading.Thread(target=flow, daemon=True).start()
atexit.register(search, [1])
for _ in range(200):
    search([1])
"""


def both(code: str, addresses: dict[str, str], **environment: str) -> list[tuple[float, Ended]]:
    """Run `code` by both protocols at once; return for each the seconds that our exit handler took, and its end."""

    def run(protocol: str) -> tuple[float, Ended]:
        ended = python(
            code + "\nshow(time.monotonic())",
            before="import atexit, time\natexit.register(lambda: show(time.monotonic()))",  # runs after ours
            OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
            OTEL_EXPORTER_OTLP_ENDPOINT=addresses[protocol],
            **dict[str, Any](environment),
        )
        begun, over = ended.shown[:2]
        return over - begun, ended

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(run, PROTOCOLS))


@pytest.mark.parametrize("collector", [away, refusing, hanging, mute, black_hole])
def test_no_collector_keeps_the_process(collector: Callable[[], AbstractContextManager[dict[str, str]]]) -> None:
    """Exit within two seconds, every signal's counts complete, and one warning for each signal.

    A daemon thread and an exit handler go on recording, and a `__del__` at interpreter shutdown. What Python itself
    does afterwards takes its time on a machine that is busy with other things, and is not measured.
    """
    with collector() as addresses:
        for lasted, ended in both(RECORDING, addresses):
            assert ended.status == 0
            assert len(ended.err.splitlines()) == 3, ended.err
            for recorded, exported, dropped in ended.shown[2].values():
                assert recorded == exported + sum(dropped.values())
                assert (recorded > 0, exported) == (True, 0)
            assert lasted < LIMIT


def test_a_collector_that_answers_gets_everything(collector: StandIn) -> None:
    """The same before a collector that works: everything up to the exit is exported, and later spans are counted."""
    exported_spans = 0
    addresses = {"grpc": collector.grpc, "http/protobuf": collector.http}
    for _, ended in both(RECORDING, addresses, SEARCH_TELEMETRY_EXIT_TIMEOUT="20"):
        assert (ended.status, ended.err) == (0, "")
        for recorded, exported, dropped in ended.shown[2].values():
            assert recorded == exported + dropped["after_shutdown"]
            assert sum(dropped.values()) == dropped["after_shutdown"]
            assert exported > 0
        exported_spans += ended.shown[2]["spans"][1]
    assert len(collector.spans()) == exported_spans


def test_what_is_dropped_is_a_metric_too(collector: StandIn) -> None:
    """`search.telemetry.dropped` equals the statistics, by signal and reason, while another signal still arrives."""
    with stand_in() as refuses:
        refuses.refusals = [(StatusCode.INVALID_ARGUMENT, ())] * 1000
        ended = python(
            """
handle = telemetry.configure("x", span_queue_size=10)
for _ in range(100):
    with telemetry.stage("work"):
        pass
handle.flush()
show(handle.stats.dropped)
            """,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=refuses.grpc,
        )
    assert ended.status == 0
    (reported,) = ended.shown
    assert reported["export_failed"] >= 10
    assert sum(reported.values()) == 100
    found = {
        attributes(point.attributes)["search.telemetry.reason"]: point.as_int
        for point in collector.metric("search.telemetry.dropped")
        if attributes(point.attributes)["search.telemetry.signal"] == "spans"
    }
    assert found == reported


def test_exit_handlers_may_record(collector: StandIn) -> None:
    """Those registered after `import telemetry` run before our shutdown, also where `configure` came later.

    One registered before it runs afterwards, and what it records is counted.
    """
    before = """
import atexit
def first():
    with telemetry.stage("too late"):
        pass
    show([handle.stats.exported, handle.stats.dropped["after_shutdown"]])
atexit.register(first)
"""
    ended = python(
        """
def second():
    with telemetry.stage("in time"):
        pass
atexit.register(second)
handle = telemetry.configure("x")
        """,
        before=before,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
    )
    assert (ended.status, ended.err, ended.shown) == (0, "", [[1, 1]])
    assert [span.name for span, _ in collector.spans()] == ["in time"]


def test_a_lock_frozen_at_interpreter_shutdown_hangs_nobody(collector: StandIn) -> None:
    """A daemon thread is stopped for ever wherever it is, even holding a lock of ours; then a `__del__` records."""
    ended = python(
        """
import threading, time, types
handle = telemetry.configure("x")
with telemetry.stage("first"):
    pass
handle.flush(20)  # what follows leaves others hardly any time, and an import needs some
lock = handle.pipelines["spans"].queue._counts.lock
work = telemetry.stage("work")
def generator():
    with telemetry.stage("open"):
        yield
class Last:
    def __del__(self):
        with work:
            pass
        print("SHOWN 1", flush=True)
held = threading.Event()
def hold():
    while True:
        with lock:
            held.set()
            sum(range(2_000_000))  # another thread comes in only when this returns, while the lock is held
        time.sleep(0)
threading.Thread(target=hold, daemon=True).start()
held.wait()
suspended = generator()
next(suspended)
sys.modules["last"] = types.ModuleType("last")  # this one is not emptied while a daemon thread stands in it
sys.modules["last"].last = [Last(), suspended]
del suspended
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
        timeout=20,
    )
    assert (ended.status, ended.err, ended.shown) == (0, "", [1])


def test_a_first_call_at_interpreter_shutdown_is_silent(collector: StandIn) -> None:
    """It may import what can no longer be imported; the user has made no mistake, and can do nothing."""
    ended = python(
        """
import types
import telemetry.context
from telemetry.recording.guard import guard
guard.strict = False  # as users have it
handle = telemetry.configure("x")
class Last:
    def __del__(self):
        telemetry.cache_lookup("goods", hit=True)
        telemetry.index_points("goods", 2)
        telemetry.context.inject({})
        print("SHOWN 1", flush=True)
sys.modules["last"] = types.ModuleType("last")
sys.modules["last"].last = Last()
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
    )
    assert (ended.status, ended.err, ended.shown) == (0, "", [1])


ENDINGS = {
    "sys.exit in the main thread": ("sys.exit(3)", 3),
    "sys.exit in a thread": ("one = threading.Thread(target=lambda: sys.exit(3)); one.start(); one.join()", 0),
    "an exception": ("raise SystemExit('no')", 1),
    "a signal with a handler": (
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)",
        0,
    ),
    "Ctrl-C": (
        "sys.excepthook = lambda *_: None; os.kill(os.getpid(), signal.SIGINT); time.sleep(9)",
        -2,
    ),
    "a cancelled loop": (
        """
async def main():
    async with asyncio.TaskGroup() as group:
        async def part():
            with telemetry.stage("cancelled"):
                await asyncio.Event().wait()
        parts = [group.create_task(part()) for _ in range(3)]
        await asyncio.sleep(0)
        asyncio.current_task().cancel()
try:
    asyncio.run(main())
except asyncio.CancelledError:
    pass
        """,
        0,
    ),
    "a thread that is not a daemon and goes on": (
        "threading.Thread(target=lambda: (threading.main_thread().join(), work(), None)[-1]).start()",
        0,
    ),
}


@pytest.mark.parametrize("how", ENDINGS)
def test_however_a_process_ends_its_spans_are_there(collector: StandIn, how: str) -> None:
    """The status is the process's own, and everything recorded is exported."""
    code, status = ENDINGS[how]
    ended = python(
        f"""
import asyncio, signal, threading, time
handle = telemetry.configure("x")
def work():
    with telemetry.stage("work"):
        pass
work()
{code}
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
    )
    assert ended.status == status
    assert "telemetry" not in ended.err, ended.err
    names = [span.name for span, _ in collector.spans()]
    assert names.count("work") == (2 if "goes on" in how else 1)
    assert names.count("cancelled") == (3 if "loop" in how else 0)


@pytest.mark.parametrize("how", ["a signal without a handler", "os._exit"])
def test_an_end_without_exit_hooks_loses_its_last_half_second_at_most(collector: StandIn, how: str) -> None:
    """Nothing can be done at such an end; what was recorded half a second before is there."""
    end = "os._exit(7)" if how == "os._exit" else "os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)"
    ended = python(
        f"""
import signal, time
handle = telemetry.configure("x")
with telemetry.stage("early"):
    pass
time.sleep(0.5)
with telemetry.stage("late"):
    pass
{end}
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
    )
    assert ended.status == (7 if how == "os._exit" else -15)
    assert [span.name for span, _ in collector.spans()] == ["early"]
