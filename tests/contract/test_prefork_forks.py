"""Forks at every awkward moment: inside a span, from a thread, in a child, in full flow; workers that are killed."""

from pathlib import Path
from typing import Any

import pytest

from tests.otlp_stand_in import StandIn, attributes
from tests.unit.own_process import Ended, python

BEGIN = """
import signal, threading, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of a fork with threads from 3.12 on

def fork(work, good=0):
    child = os.fork()
    if child:
        return child
    try:
        work()
    except BaseException:
        import traceback
        traceback.print_exc()
        os._exit(1)
    os._exit(good)

def ended(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""


def forking(code: str, collector: StandIn, *args: str, **environment: str) -> Ended:
    """Run `code` with `fork` and `ended`, and a handle that exports to `collector`."""
    begin = BEGIN + "handle = telemetry.configure('x')\n"
    return python(begin + code, *args, OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc, timeout=100, **environment)


def counts(collector: StandIn, metric: str, attribute: str) -> dict[Any, int]:
    """The last count of each instance's series of a histogram, added up over instances, by an attribute."""
    last: dict[tuple[str, Any], int] = {}
    for request in collector.got("metrics"):
        for of_resource in request.resource_metrics:
            instance = attributes(of_resource.resource.attributes)["service.instance.id"]
            for scope in of_resource.scope_metrics:
                for found in scope.metrics:
                    if found.name == metric:
                        for point in found.histogram.data_points:
                            last[instance, attributes(point.attributes)[attribute]] = point.count
    total: dict[Any, int] = {}
    for (_, value), count in last.items():
        total[value] = total.get(value, 0) + count
    return total


def test_a_span_open_at_a_fork_is_the_parents(collector: StandIn) -> None:
    """Parent and child both leave the blocks: each span is exported once, and measured once, by the parent.

    What the child does inside is its own, below the parent's span. Stages, and spans of OpenTelemetry's own API.
    """
    ended = forking(
        """
from opentelemetry import trace
tracer = trace.get_tracer("theirs")

@telemetry.endpoint("/search")
def search(docs):
    with telemetry.stage("outer"), tracer.start_as_current_span("theirs"):
        with telemetry.stage("before"):
            pass
        child = os.fork()
        with telemetry.stage("inner", who="parent" if child else "child"):
            pass
    return child

child = search([1])
search_again = telemetry.stage("again", who="parent" if child else "child")
with search_again:
    pass
if not child:
    good = handle.shutdown() and handle.stats.recorded == handle.stats.exported == 2
    os._exit(0 if good else 1)
assert ended(child) == 0
assert handle.shutdown()
show(handle.stats.recorded)
        """,
        collector,
    )
    assert (ended.status, ended.err, ended.shown) == (0, "", [6])
    spans = [span for span, _ in collector.spans()]
    names = {span.span_id: span.name for span in spans}
    assert sorted((span.name, names.get(span.parent_span_id, "")) for span in spans) == [
        ("/search", ""),
        ("again", ""),
        ("again", ""),
        ("before", "theirs"),
        ("inner", "theirs"),
        ("inner", "theirs"),
        ("outer", "/search"),
        ("theirs", "outer"),
    ]
    assert len({resource["service.instance.id"] for _, resource in collector.spans()}) == 2
    assert counts(collector, "search.stage.duration", "search.stage") == {
        "outer": 1, "before": 1, "inner": 2, "again": 2
    }  # fmt: skip


def test_a_childs_child_exports_its_own(collector: StandIn) -> None:
    """Three generations, each with its own instance id and counts, and nothing of those above."""
    ended = forking(
        """
def work(depth):
    with telemetry.stage(f"depth {depth}"):
        pass
    if depth < 3:
        assert ended(fork(lambda: work(depth + 1))) == 0
    assert handle.shutdown()
    assert handle.stats.recorded == handle.stats.exported == 1, handle.stats

work(0)
        """,
        collector,
    )
    assert (ended.status, ended.err) == (0, "")
    assert sorted(span.name for span, _ in collector.spans()) == [f"depth {depth}" for depth in range(4)]
    assert len({resource["service.instance.id"] for _, resource in collector.spans()}) == 4


def test_forks_from_several_threads_at_once(collector: StandIn) -> None:
    """A child whose only thread was not the parent's main thread exports as any other does."""
    ended = forking(
        """
failed = []
def spawn(number):
    def work():
        with telemetry.stage("child"):
            pass
        assert handle.shutdown()
    for _ in range(5):
        with telemetry.stage("parent"):
            child = fork(work)
        failed.append(ended(child))

threads = [threading.Thread(target=spawn, args=(number,)) for number in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert failed == [0] * 20, failed
assert handle.shutdown()
        """,
        collector,
    )
    assert (ended.status, ended.err) == (0, "")
    names = [span.name for span, _ in collector.spans()]
    assert (names.count("child"), names.count("parent")) == (20, 20)


@pytest.mark.parametrize(("protocol", "rounds"), [("grpc", 50), ("http/protobuf", 8)])
def test_forks_in_full_flow(collector: StandIn, protocol: str, rounds: int) -> None:
    """Four at a time, 200 by gRPC, while threads record and every signal is exported as fast as it goes: none hangs."""
    ended = python(
        BEGIN
        + """
handle = telemetry.configure("x", logs="otlp", span_interval=0.001, log_interval=0.001)
log = logging.getLogger("x")
logging.getLogger().addHandler(logging.NullHandler())
over = threading.Event()

@telemetry.endpoint("/search")
def search(docs):
    with telemetry.stage("stage"):
        log.warning("hello")

def flow():
    while not over.wait(0.001):
        search([1])

def flush():
    while not over.wait(0.005):
        handle.flush()  # metrics too

def work():
    for _ in range(3):
        search([1])
    assert handle.shutdown(20)
    assert handle.stats.recorded == handle.stats.exported == 6, handle.stats
    assert handle.stats.logs.recorded == handle.stats.logs.exported == 3, handle.stats

threads = [threading.Thread(target=target, daemon=True) for target in (flow, flow, flow, flush)]
for thread in threads:
    thread.start()
for _ in range(int(sys.argv[1])):
    children = [fork(work) for _ in range(4)]
    assert [ended(child) for child in children] == [0] * 4
over.set()
for thread in threads:
    thread.join()
handle.shutdown(20)
show([handle.stats.recorded == handle.stats.exported + handle.stats.spans.lost])
        """,
        str(rounds),
        OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc if protocol == "grpc" else collector.http,
        timeout=110,
    )
    assert (ended.status, ended.err, ended.shown) == (0, "", [[True]])


def test_killed_children_lose_their_last_half_second_at_most(collector: StandIn) -> None:
    """Eight children record without end, and get kill -9 at eight moments between two of their exports.

    Of each, all that ended more than 500 ms before it was killed is there, and nothing is missing before that. The
    collector's clock is this machine's, so that the times of spans and kills compare.
    """
    ended = forking(
        """
reader, writer = os.pipe()

def work():
    number, reported = 0, False
    while True:
        with telemetry.stage("work", number=number, pid=os.getpid()):
            time.sleep(0.01)
        number += 1
        if not reported and handle.stats.exported:
            reported = True
            os.write(writer, b"x")

children = [fork(work) for _ in range(8)]
for _ in children:
    assert os.read(reader, 1)
for child in children:
    time.sleep(0.06)
    os.kill(child, signal.SIGKILL)
    show([child, time.time_ns()])
for child in children:
    assert ended(child) == -signal.SIGKILL
        """,
        collector,
    )
    assert (ended.status, ended.err, len(ended.shown)) == (0, "", 8)
    spans = [(attributes(span.attributes), span.end_time_unix_nano) for span, _ in collector.spans()]
    for child, killed in ended.shown:
        ends = {has["number"]: end for has, end in spans if has["pid"] == child}
        assert sorted(ends) == list(range(len(ends)))
        assert killed - max(ends.values()) < 500e6


POOL = """
import multiprocessing, os, signal, sys, time, warnings
import telemetry
warnings.simplefilter("ignore", DeprecationWarning)

def work(number):
    telemetry.configure("worker")
    with telemetry.stage(f"work {number}"):
        return os.getpid()

def daemon(number):
    telemetry.configure("worker")
    with telemetry.stage(f"work {number}"):
        pass

def nested(number):
    telemetry.configure("worker")
    inner = multiprocessing.get_context("fork").Process(target=daemon, args=(number,))
    inner.start()
    inner.join()

def killed(number):
    handle = telemetry.configure("worker")
    with telemetry.stage(f"work {number}"):
        pass
    assert handle.flush()
    with telemetry.stage("unlucky"):
        pass
    os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    how, start = sys.argv[1:]
    kind = multiprocessing.get_context(start)
    if start == "fork":
        telemetry.configure("worker")
    if how == "maxtasksperchild":
        with kind.Pool(1, maxtasksperchild=1) as pool:
            assert len({pool.apply(work, (number,)) for number in range(3)}) == 3
            pool.close()
            pool.join()
    elif how == "terminate":
        pool = kind.Pool(1)
        for number in range(3):
            pool.apply(work, (number,))
        time.sleep(0.5)  # what is promised: no more than the last half second is lost
        pool.terminate()
        pool.join()
    else:
        target = {"daemon": daemon, "nested": nested, "killed": killed}[how]
        processes = [kind.Process(target=target, args=(number,), daemon=how == "daemon") for number in range(3)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
            assert process.exitcode == (-signal.SIGKILL if how == "killed" else 0), process.exitcode
"""


@pytest.mark.parametrize(
    ("how", "start"),
    [
        ("maxtasksperchild", "fork"),
        ("terminate", "fork"),
        ("terminate", "spawn"),
        ("daemon", "fork"),
        ("nested", "fork"),
        ("killed", "spawn"),
    ],
)
def test_however_a_worker_ends_its_work_is_there(collector: StandIn, how: str, start: str, tmp_path: Path) -> None:
    """Workers that are replaced, terminated, daemonic, grandchildren, or killed after a flush."""
    script = tmp_path / "pool.py"  # a spawned worker imports its main module from a file
    script.write_text(POOL)
    ended = python(
        f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')",
        how,
        start,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
    )
    assert (ended.status, ended.err) == (0, "")
    names = sorted(span.name for span, _ in collector.spans() if span.name != "unlucky")
    assert names == ["work 0", "work 1", "work 2"]


def test_a_forked_child_may_be_named(collector: StandIn) -> None:
    """A flow's parent is configured first; a child's own `configure` gives its name, for all signals, without a word.

    Other settings stay the parent's, and a second name is one too many: both are reported.
    """
    ended = forking(
        """
def serve():
    assert telemetry.configure("clip_encoder", version="2") is handle
    with telemetry.stage("work"):
        pass
    telemetry.configure("another")
    assert handle.shutdown()

with telemetry.stage("begun before"):
    assert ended(fork(serve)) == 0
assert handle.shutdown()
        """,
        collector,
    )
    assert ended.status == 0
    assert ended.err == "telemetry is configured already; the other arguments of this second configure() are ignored\n"
    named = {span.name: (has["service.name"], has.get("service.version")) for span, has in collector.spans()}
    assert named == {"work": ("clip_encoder", "2"), "begun before": ("x", None)}
    instances = {
        attributes(of_resource.resource.attributes)["service.name"]
        for request in collector.got("metrics")
        for of_resource in request.resource_metrics
    }
    assert instances == {"x", "clip_encoder"}
