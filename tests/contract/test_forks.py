"""Forked processes and pools: each exports its own, and nothing that was inherited is used."""

from pathlib import Path

import pytest

from tests.otlp_stand_in import StandIn, attributes
from tests.unit.own_process import python


def test_a_forked_child_exports_its_own(collector: StandIn) -> None:
    """Parent and child export what each of them did, as two instances; the child's sums begin at zero."""
    ended = python(
        """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of a fork with threads from 3.12 on
handle = telemetry.configure("x")

@telemetry.endpoint("/search")
def search(docs, who):
    with telemetry.stage(who):
        pass

for _ in range(3):
    search([1], "parent before")
child = os.fork()
if not child:
    search([1], "child")
    assert handle.shutdown()
    assert handle.stats.recorded == handle.stats.exported == 2, handle.stats
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
search([1], "parent after")
assert handle.shutdown()
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
    )
    assert (ended.status, ended.err) == (0, "")
    who = [
        (span.name, resource["service.instance.id"]) for span, resource in collector.spans() if span.name != "/search"
    ]
    names = sorted(name for name, _ in who)
    assert names == ["child", "parent after", "parent before", "parent before", "parent before"]
    assert len({instance for name, instance in who if name.startswith("parent")}) == 1
    assert len({instance for _, instance in who}) == 2
    counts = {
        attributes(of_resource.resource.attributes)["service.instance.id"]: point.count
        for request in collector.got("metrics")
        for of_resource in request.resource_metrics
        for scope in of_resource.scope_metrics
        for metric in scope.metrics
        if metric.name == "search.request.duration"
        for point in metric.histogram.data_points
    }
    assert sorted(counts.values()) == [1, 4]


@pytest.mark.parametrize("start", ["fork", "spawn", "forkserver"])
def test_the_workers_of_a_pool_export_their_own(collector: StandIn, start: str, tmp_path: Path) -> None:
    """A worker of `multiprocessing` leaves without the usual exit hooks, and exports all the same."""
    script = tmp_path / "pool.py"  # a spawned worker imports its main module from a file
    script.write_text(POOL)
    ended = python(
        f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')",
        start,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
    )
    assert (ended.status, ended.err) == (0, "")
    assert sorted(span.name for span, _ in collector.spans()) == ["work 0", "work 1", "work 2", "work 3"]


POOL = """
import multiprocessing, sys, warnings
import telemetry
warnings.simplefilter("ignore", DeprecationWarning)

def work(number):
    telemetry.configure("worker")
    with telemetry.stage(f"work {number}"):
        return number

if __name__ == "__main__":
    if sys.argv[1] == "fork":
        telemetry.configure("worker")
    pool = multiprocessing.get_context(sys.argv[1]).Pool(2)
    assert pool.map(work, range(4)) == [0, 1, 2, 3]
    pool.close()
    pool.join()
"""


def test_forks_in_full_flow_do_not_hang(collector: StandIn) -> None:
    """Children forked while other threads record and export end by themselves, with all they did exported."""
    ended = python(
        """
import threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)
from opentelemetry import metrics
handle = telemetry.configure("x", span_queue_size=100000)
theirs = metrics.get_meter("theirs").create_counter("theirs")
over = threading.Event()

@telemetry.endpoint("/search")
def search(docs):
    theirs.add(1)
    with telemetry.stage("stage"):
        logging.getLogger("x").info("hello")

def flow():
    while not over.is_set():
        search([1])

threads = [threading.Thread(target=flow, daemon=True) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in range(20):
    child = os.fork()
    if not child:
        for _ in range(5):
            search([1])
        good = handle.shutdown(20) and handle.stats.exported == 10
        os._exit(0 if good else 1)
    assert os.waitpid(child, 0)[1] == 0
over.set()
for thread in threads:
    thread.join()
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
        timeout=100,
    )
    assert (ended.status, ended.err) == (0, "")
