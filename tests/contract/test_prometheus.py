"""Metrics that are pulled, in processes of their own, whatever is configured beside."""

import pytest

from tests.otlp_stand_in import StandIn
from tests.unit.own_process import python
from tests.unit.pulled import SCRAPE_AND_SEARCH, families


def test_metrics_are_pulled_alone(collector: StandIn) -> None:
    """With `metrics="prometheus"` nothing is pushed; values are those of the calls, with the trace in exemplars."""
    ended = python(
        SCRAPE_AND_SEARCH
        + """
handle = telemetry.configure("enc", metrics="prometheus", prometheus_port=0)
for _ in range(3):
    search(["a", "b"])
show(scrape())
show(scrape("text/plain"))
show([telemetry.prometheus.address(), handle.flush(20), handle.stats.metrics.recorded])
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
    )
    assert (ended.status, ended.err) == (0, "")
    assert collector.got("metrics") == []
    (text, content_type), (plain, plain_type), (address, flushed, recorded) = ended.shown
    assert (address.startswith("127.0.0.1:"), flushed, recorded) == (True, True, 0)
    assert (content_type.split(";")[0], plain_type.split(";")[0]) == ("application/openmetrics-text", "text/plain")
    for found in (families(text, content_type), families(plain, plain_type)):
        values = {
            (s.name, s.labels.get("search_stage"), s.labels.get("search_rank")): s.value
            for family in found.values()
            for s in family.samples
            if s.name.endswith(("_count", "_points")) or s.name in {"search_documents_total", "search_results_sum"}
        }
        assert values == {
            ("search_request_duration_seconds_count", None, None): 3,
            ("search_request_documents_count", None, None): 3,
            ("search_stage_duration_seconds_count", "inference", None): 3,
            ("search_batch_size_count", "inference", None): 3,
            ("search_results_count", None, None): 3,
            ("search_results_sum", None, None): 6,
            ("search_result_score_count", None, "top1"): 3,
            ("search_result_score_count", None, "topk"): 6,
            ("search_result_margin_count", None, None): 3,
            ("search_documents_total", None, None): 6,
            ("search_index_points", None, None): 1500,
        }
    traces = {f"{int.from_bytes(span.trace_id):032x}" for span, _ in collector.spans() if span.name == "/search"}
    exemplars = [
        s.exemplar.labels["trace_id"]
        for s in families(text, content_type)["search_request_duration_seconds"].samples
        if s.exemplar
    ]
    assert exemplars
    assert set(exemplars) <= traces
    dropped = families(text, content_type)["search_telemetry_dropped"].samples
    assert {s.labels["search_telemetry_reason"] for s in dropped} >= {"queue_full", "export_failed"}


def test_metrics_do_not_depend_on_sampling() -> None:
    """Without sampled spans the values are the same, without exemplars."""
    ended = python(
        SCRAPE_AND_SEARCH
        + """
telemetry.configure("enc", metrics="prometheus", prometheus_port=0, sampler="always_off")
search(["a", "b"])
show(scrape())
        """
    )
    assert ended.status == 0
    found = families(*ended.shown[0])
    assert found["search_documents"].samples[0].value == 2
    assert [s for family in found.values() for s in family.samples if s.exemplar] == []


def test_shutdown_closes_the_port_and_a_mounted_app_goes_on() -> None:
    """At once, though the collector is away; what was measured can still be had from the app."""
    ended = python(
        SCRAPE_AND_SEARCH
        + """
handle = telemetry.configure("enc", traces_exporter="none", metrics="prometheus", prometheus_port=0)
search([1])
address = telemetry.prometheus.address()
handle.shutdown()
try:
    urllib.request.urlopen(f"http://{address}/metrics")
except OSError as error:
    show(type(error.reason).__name__)
show(telemetry.prometheus.address())
started = []
body = telemetry.prometheus.wsgi_app()({"REQUEST_METHOD": "GET", "PATH_INFO": "/"}, lambda *args: started.append(args))
show([started[0][0], "search_documents_total{" in b"".join(body).decode()])
        """
    )
    assert (ended.status, ended.err) == (0, "")
    assert ended.shown == ["ConnectionRefusedError", "", ["200 OK", True]]


@pytest.mark.parametrize("ending", ["", "sys.exit(3)", "1 / 0"])
def test_a_process_with_a_server_ends(ending: str) -> None:
    """In the middle of a scrape, and with a silent client: no thread of ours holds it."""
    ended = python(
        SCRAPE_AND_SEARCH
        + f"""
import socket
telemetry.configure("enc", traces_exporter="none", metrics="prometheus", prometheus_port=0)
host, _, port = telemetry.prometheus.address().partition(":")
silent = socket.create_connection((host, int(port)))
scrape()
silent.setblocking(False)
silent.detach()
{ending}
        """,
        timeout=20,
    )
    assert (ended.status, "search-telemetry" in ended.err) == ({"": 0, "sys.exit(3)": 3, "1 / 0": 1}[ending], False)


def test_a_taken_port_is_reported_and_a_free_one_served() -> None:
    """As in the second worker of a server: it starts, states where its metrics are, and serves them there."""
    ended = python(
        SCRAPE_AND_SEARCH
        + """
import prometheus_client, socket
registry = prometheus_client.CollectorRegistry()
taken = socket.create_server(("127.0.0.1", 0))
port = taken.getsockname()[1]
try:
    telemetry.configure("enc", metrics="prometheus", traces_exporter="none", prometheus_host="203.0.113.7")
except telemetry.ConfigurationError as error:
    show(error.problems)
telemetry.configure(
    "enc", metrics="prometheus", traces_exporter="none", prometheus_port=port, prometheus_registry=registry
)
show("target_info" in scrape()[0])
import telemetry.prometheus
show([port, telemetry.prometheus.address()])
taken.close()
        """
    )
    (elsewhere,), served, (port, address) = ended.shown
    assert elsewhere == (
        "OTEL_EXPORTER_PROMETHEUS_HOST='203.0.113.7' is not an address of this machine; "
        "write localhost, or 0.0.0.0 for all interfaces"
    )
    assert served
    assert ended.status == 0
    assert ended.err == (
        f"OTEL_EXPORTER_PROMETHEUS_PORT={port} is taken on localhost by another process, or by another worker of this "
        f"service; the metrics of this one are served at {address}; write 0 for any free port, or push with "
        "OTEL_METRICS_EXPORTER=otlp\n"
    )


def test_the_standard_variables_are_enough() -> None:
    """No argument, no changed line: exporter, host and port come from the environment."""
    ended = python(
        SCRAPE_AND_SEARCH
        + """
telemetry.configure("enc", traces_exporter="none")
search([1])
show(["search_documents_total{" in scrape()[0], telemetry.prometheus.address().rpartition(":")[0]])
        """,
        OTEL_METRICS_EXPORTER="prometheus",
        OTEL_EXPORTER_PROMETHEUS_HOST="127.0.0.1",
        OTEL_EXPORTER_PROMETHEUS_PORT="0",
    )
    assert (ended.status, ended.err) == (0, "")
    assert ended.shown == [[True, "127.0.0.1"]]


def test_without_a_server_a_mounted_app_and_serve_do() -> None:
    """`prometheus_server=False` opens no port; `serve` opens one later, and states where a second is asked for."""
    ended = python(
        SCRAPE_AND_SEARCH
        + """
handle = telemetry.configure("enc", traces_exporter="none", metrics="prometheus", prometheus_server=False)
show(telemetry.prometheus.address())
address = telemetry.prometheus.serve(port=0)
show(["target_info" in scrape()[0], address == telemetry.prometheus.address()])
try:
    telemetry.prometheus.serve(port=0)
except telemetry.TelemetryError as error:
    show(error.hint)
handle.shutdown()
show(telemetry.prometheus.address())
        """
    )
    assert (ended.status, ended.err) == (0, "")
    assert ended.shown == [
        "", [True, True], "call serve() in a forked process, or after configure(prometheus_server=False)", "",
    ]  # fmt: skip


def test_a_registry_of_the_user_is_served_and_watched_for_our_names() -> None:
    """Their metrics beside ours; one that has a name of ours is a mistake, reported before the port is taken."""
    ended = python(
        SCRAPE_AND_SEARCH
        + """
import prometheus_client
mine = prometheus_client.CollectorRegistry()
prometheus_client.Counter("search_documents", "Mine.", registry=mine)
settings = dict(traces_exporter="none", metrics="prometheus", prometheus_port=0)
try:
    telemetry.configure("enc", prometheus_registry=mine, **settings)
except telemetry.ConfigurationError as error:
    show(error.problems)
prometheus_client.Counter("orders", "Orders.").inc()
telemetry.configure("enc", prometheus_registry=prometheus_client.REGISTRY, **settings)
search([1])
text, _ = scrape()
show([line in text for line in ("orders_total 1.0", "process_cpu_seconds_total", "search_documents_total{")])
        """
    )
    assert (ended.status, ended.err) == (0, "")
    (problem,), served = ended.shown
    assert problem == (
        "configure: prometheus_registry already has metrics of our names: search_documents, "
        "search_documents_created, search_documents_total; rename them"
    )
    assert served == [True, True, True]


def test_a_provider_of_the_user_is_left_alone_with_a_warning() -> None:
    """Nothing is added to it, so nothing can be pulled; no port is opened, and the app reports why."""
    ended = python(
        SCRAPE_AND_SEARCH
        + """
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
provider = MeterProvider([], shutdown_on_exit=False)
metrics.set_meter_provider(provider)
logging.basicConfig(format="%(message)s")
handle = telemetry.configure("enc", traces_exporter="none", metrics="prometheus", prometheus_port=0)
search([1])
started = []
telemetry.prometheus.wsgi_app()({}, lambda *args: started.append(args))
show([telemetry.prometheus.address(), started[0][0], handle.stats.metrics.owned])
provider.shutdown()
        """
    )
    assert ended.status == 0
    assert ended.err.startswith("metrics cannot be scraped: OpenTelemetry already has a MeterProvider")
    assert len(ended.err.splitlines()) == 1
    assert ended.shown == [["", "503 Service Unavailable", False]]


def test_a_forked_child_has_metrics_of_its_own_and_no_port(collector: StandIn) -> None:
    """Its sums begin at zero, its instance is another; the parent's port stays the parent's; it is warned of once."""
    ended = python(
        SCRAPE_AND_SEARCH
        + """
import warnings
from opentelemetry import metrics
warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of a fork with threads from 3.12 on
logging.basicConfig(format="%(message)s")
handle = telemetry.configure("enc", traces_exporter="none", metrics="prometheus", prometheus_port=0)
theirs = metrics.get_meter("theirs").create_counter("theirs")
search([1, 2, 3])
theirs.add(3)
parents = scrape()
for turn in range(3):
    child = os.fork()
    if not child:
        search([1])
        theirs.add(1)
        none = telemetry.prometheus.address()
        if turn == 0:
            telemetry.prometheus.serve(port=0)
            show([none, *scrape()])
        assert handle.shutdown()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
search([1])
show([telemetry.prometheus.address().rpartition(":")[0], *scrape()])
        """
    )
    assert ended.status == 0
    assert ended.err == (
        "a forked process has its own metrics, which its parent's port does not serve; call "
        "telemetry.prometheus.serve(port=0) in it, or push with OTEL_METRICS_EXPORTER=otlp (logged once)\n"
    )
    (none, *child), (host, *parent) = ended.shown
    assert (none, host) == ("", "127.0.0.1")
    values, instances = [], []
    for text, content_type in (child, parent):
        found = families(text, content_type)
        values.append([found[name].samples[0].value for name in ("search_documents", "theirs")])
        instances.append(found["target"].samples[0].labels["instance"])
        assert {s.labels["instance"] for family in found.values() for s in family.samples} == {instances[-1]}
    assert values == [[1, 1], [4, 3]]
    assert len(set(instances)) == 2


def test_a_child_that_outlives_its_parents_server_does_not_hold_the_port() -> None:
    """Once the parent has shut down, another process can have it."""
    ended = python(
        SCRAPE_AND_SEARCH
        + """
import signal, socket, warnings
warnings.simplefilter("ignore", DeprecationWarning)
logging.disable()
handle = telemetry.configure("enc", traces_exporter="none", metrics="prometheus", prometheus_port=0)
address = telemetry.prometheus.address()
began, begins = os.pipe()
child = os.fork()
if not child:
    os.write(begins, b"!")
    signal.pause()
assert os.read(began, 1)
handle.shutdown()
host, _, port = address.partition(":")
socket.create_server((host, int(port))).close()
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
        """
    )
    assert (ended.status, ended.err) == (0, "")


def test_a_fork_in_the_middle_of_scrapes_does_not_hang() -> None:
    """Whatever lock a scrape held, the child makes its own."""
    ended = python(
        SCRAPE_AND_SEARCH
        + """
import threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)
logging.disable()
handle = telemetry.configure("enc", traces_exporter="none", metrics="prometheus", prometheus_port=0)
search([1])
over = threading.Event()
def scrapes():
    while not over.is_set():
        scrape()
threads = [threading.Thread(target=scrapes) for _ in range(2)]
for thread in threads:
    thread.start()
for _ in range(10):
    child = os.fork()
    if not child:
        search([1])
        telemetry.prometheus.serve(port=0)
        os._exit(0 if "search_documents_total{" in scrape()[0] and handle.shutdown() else 1)
    assert os.waitpid(child, 0)[1] == 0
over.set()
for thread in threads:
    thread.join()
        """,
        timeout=60,
    )
    assert (ended.status, ended.err) == (0, "")


def test_importing_telemetry_does_not_load_prometheus_client() -> None:
    """Who pushes pays nothing for those who pull."""
    ended = python(
        """
telemetry.configure("enc", endpoint="http://127.0.0.1:9", exit_timeout=0)
show(sorted(name for name in sys.modules if name.startswith("prometheus_client")))
logging.disable()
        """
    )
    assert ended.status == 0
    assert ended.shown == [[]]
