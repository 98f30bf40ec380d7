"""Work handed over to other processes: one trace across them, with its baggage, by every propagator."""

from pathlib import Path
from typing import Any

import pytest

from tests.otlp_stand_in import StandIn, attributes
from tests.unit.own_process import Ended, python


def run(script: str, folder: Path, *args: str, **environment: Any) -> Ended:
    """Run a script from a file, where spawned processes find its functions."""
    path = folder / "script.py"
    path.write_text(BEGIN + script)
    return python(f"import runpy; runpy.run_path({str(path)!r}, run_name='__main__')", *args, **environment)


def tree(collector: StandIn) -> list[tuple[str, str | None, Any]]:
    """Name, parent's name and operation of every span, in no order of time; and that they are one trace."""
    spans = [span for span, _ in collector.spans()]
    assert len({span.trace_id for span in spans}) == 1
    names = {span.span_id: span.name for span in spans}
    return sorted(
        (span.name, names.get(span.parent_span_id), attributes(span.attributes).get("search.operation"))
        for span in spans
    )


BEGIN = """
import json, multiprocessing, os, sys, warnings
import telemetry
from telemetry.context import ProcessPoolExecutor, carry_to_process, extract, inject
from telemetry.recording.guard import guard
guard.strict = True
warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of a fork with threads from 3.12 on

def encode(number):
    with telemetry.stage(f"encode {number}"):
        return os.getpid()

def configure():
    telemetry.configure("service")
"""

POOL = """
if __name__ == "__main__":
    start, propagators = sys.argv[1:]
    handle = telemetry.configure("parent", propagators=propagators.split(","))
    kind = multiprocessing.get_context(start)
    with ProcessPoolExecutor(1, kind, initializer=None if start == "fork" else configure) as pool:
        with telemetry.endpoint("/search"):
            pids = {pool.submit(encode, 0).result(), *pool.map(encode, [1, 2], chunksize=2)}
    assert os.getpid() not in pids
    assert handle.shutdown()
"""


@pytest.mark.parametrize("start", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("propagators", ["tracecontext,baggage", "b3", "b3multi", "jaeger"])
def test_the_workers_of_a_pool_are_in_the_requests_trace(
    collector: StandIn, start: str, propagators: str, tmp_path: Path
) -> None:
    """The spans of a pool's workers stand below the request, with its operation, whatever propagator the parent has.

    A spawned worker is configured without the parent's propagators here, and reads the context all the same.
    """
    ended = run(POOL, tmp_path, start, propagators, OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc)
    assert (ended.status, ended.err) == (0, "")
    assert tree(collector) == [
        ("/search", None, "search"),
        ("encode 0", "/search", "search"),
        ("encode 1", "/search", "search"),
        ("encode 2", "/search", "search"),
    ]


def test_map_keeps_the_context_of_its_call(collector: StandIn, tmp_path: Path) -> None:
    """Items that are submitted only as results are read, as with `buffersize` from Python 3.14 on, belong to it."""
    ended = run(
        """
import concurrent.futures

def lazy(self, fn, *iterables, timeout=None):
    for args in zip(*iterables):
        yield self.submit(fn, *args).result()

if __name__ == "__main__":
    concurrent.futures.Executor.map = lazy
    handle = telemetry.configure("service")
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as pool:
        with telemetry.endpoint("/index"):
            results = pool.map(encode, [1])
        with telemetry.stage("consumer"):
            list(results)
    assert handle.shutdown()
        """,
        tmp_path,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
    )
    assert (ended.status, ended.err) == (0, "")
    spans = [span for span, _ in collector.spans()]
    (index,) = (span.span_id for span in spans if span.name == "/index")
    assert [span.parent_span_id for span in spans if span.name == "encode 1"] == [index]


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_a_carried_function_runs_in_any_process(collector: StandIn, start: str, tmp_path: Path) -> None:
    """`carry_to_process` serves `multiprocessing.Process` and pools; the endpoint there knows the request's name."""
    ended = run(
        """
@telemetry.endpoint("/index", "/search")
def work(docs):
    return len(docs)

def main(docs):
    configure()
    work(docs)

if __name__ == "__main__":
    handle = telemetry.configure("service")
    kind = multiprocessing.get_context(sys.argv[1])
    with telemetry.stage("root"), telemetry.request("/search"):
        process = kind.Process(target=carry_to_process(main), args=([1, 2],))
    process.start()
    process.join()
    assert process.exitcode == 0
    with telemetry.stage("root 2"), telemetry.request("/search"):
        carried = carry_to_process(work)
    pool = kind.Pool(1, configure)
    assert pool.map(carried, [[1], [1, 2]]) == [1, 2]
    pool.close()
    pool.join()
    assert handle.shutdown()
        """,
        tmp_path,
        start,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
    )
    assert (ended.status, ended.err) == (0, "")
    spans = [span for span, _ in collector.spans()]
    names = {span.span_id: span.name for span in spans}
    found = sorted(
        (span.name, names.get(span.parent_span_id), attributes(span.attributes).get("len_docs")) for span in spans
    )
    assert found == sorted(
        [
            ("root", None, None),
            ("root 2", None, None),
            ("/search", "root", 2),
            ("/search", "root 2", 1),
            ("/search", "root 2", 2),
        ],
        key=lambda one: (one[0], str(one[1])),
    )


@pytest.mark.parametrize("propagators", ["tracecontext,baggage", "b3,baggage", "b3multi,baggage", "jaeger"])
def test_a_queue_between_processes_carries_the_request(collector: StandIn, propagators: str, tmp_path: Path) -> None:
    """`inject` and `extract` in two processes that share their configuration by `OTEL_PROPAGATORS`."""
    ended = run(
        """
def consume(messages):
    configure()
    message = json.loads(messages.get())
    with extract(message["headers"]), telemetry.stage("consume"):
        pass

if __name__ == "__main__":
    handle = telemetry.configure("service")
    kind = multiprocessing.get_context("spawn")
    messages = kind.Queue()
    process = kind.Process(target=consume, args=(messages,))
    process.start()
    with telemetry.endpoint("/index"):
        messages.put(json.dumps({"headers": inject()}))
    process.join()
    assert process.exitcode == 0
    assert handle.shutdown()
        """,
        tmp_path,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
        OTEL_PROPAGATORS=propagators,
    )
    assert (ended.status, ended.err) == (0, "")
    assert tree(collector) == [("/index", None, "index"), ("consume", "/index", "index")]


def test_a_worker_without_telemetry_works_all_the_same(tmp_path: Path) -> None:
    """Nothing configured on either side: results and exceptions are those of the function, and of a plain pool."""
    ended = run(
        """
def fail(number):
    raise KeyError(number)

if __name__ == "__main__":
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        assert isinstance(pool.submit(encode, 1).result(), int)
        try:
            pool.submit(fail, 7).result()
        except KeyError as exc:
            assert exc.args == (7,)
        else:
            raise AssertionError
        try:
            pool.submit(lambda: 1).result()
        except Exception as exc:
            assert "pickle" in str(exc).lower()
        else:
            raise AssertionError
        try:
            pool.submit(5)
        except telemetry.TelemetryError as exc:
            assert "write carry_to_process(work)" in str(exc)
        else:
            raise AssertionError
        """,
        tmp_path,
    )
    assert (ended.status, ended.err) == (0, "")
