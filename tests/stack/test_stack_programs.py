"""The real programs, started as `telemetry stack up` starts them, on the files that docker-compose mounts."""

import http.server
import re
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from collector.stack import cache
from collector.stack.programs.program import CONFIG, DASHBOARDS
from collector.stack.recipes.collector import OTELCOL
from collector.stack.stack import Stack
from collector.stack.versions import VERSIONS
from tests.stack import logs
from tests.stack.asking import eventually, get, log, post, span

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    ("binary", "program"),
    [
        ("search-otelcol", "collector"),
        ("jaeger", "jaeger"),
        ("prometheus", "prometheus"),
        ("promtool", "prometheus"),
        ("victoria-logs", "victorialogs"),
        ("docker-compose", "compose"),
        ("alertmanager", "alertmanager"),
        ("amtool", "alertmanager"),
    ],
)
def test_a_binary_prints_its_pinned_version(binary: str, program: str) -> None:
    """Each is static, runs, and is what the file of versions has."""
    command = [str(cache.binary(binary)), "version" if binary in {"jaeger", "docker-compose"} else "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert re.search(rf"\b{re.escape(VERSIONS[program]['version'])}\b", done.stdout + done.stderr)


@pytest.mark.timeout(240)
def test_the_largest_profile_ships_everything_to_its_backends(tmp_path: Path) -> None:
    """A trace by Kafka and a gateway to Jaeger, its metrics to Prometheus, its log to VictoriaLogs; all are scraped."""
    with Stack("scale", data_dir=tmp_path) as stack:
        post(stack.url("agent.otlp_http", "/v1/traces"), span(TRACE, "shop", error=True))
        post(stack.url("agent.otlp_http", "/v1/logs"), log(TRACE, "shop", "found nothing"))
        found = eventually(lambda: get(stack.url("jaeger.query", f"/api/traces/{TRACE}")))
        assert [one["operationName"] for one in found["data"][0]["spans"]] == ["/search"]
        (found,) = eventually(lambda: logs.query(stack, f'{{service.name="shop"}} trace_id:="{TRACE}"'))
        assert found["_msg"] == "found nothing"
        calls = stack.url("prometheus.web", "/api/v1/query?query=traces_span_metrics_calls_total")
        assert eventually(lambda: get(calls)["data"]["result"])[0]["metric"]["service_name"] == "shop"
        assert eventually(lambda: all_scraped(stack)) == {
            "pipeline": 3, "otelcol": 3, "jaeger": 1, "prometheus": 1, "victorialogs": 1, "alertmanager": 1
        }  # fmt: skip
        (found,) = get(stack.url("prometheus.web", "/api/v1/alertmanagers"))["data"]["activeAlertmanagers"]
        assert found["url"] == stack.url("alertmanager.web", "/api/v2/alerts")


def all_scraped(stack: Stack) -> dict[str, int] | None:
    """How many targets of each job are up; None while one is not."""
    targets = get(stack.url("prometheus.web", "/api/v1/targets"))["data"]["activeTargets"]
    if not targets or any(target["health"] != "up" for target in targets):
        return None
    jobs = [target["labels"]["job"] for target in targets]
    return {job: jobs.count(job) for job in sorted(jobs)}


def test_what_a_killed_jaeger_had_stored_is_there_after_its_restart(tmp_path: Path) -> None:
    """And what was sent while it was away arrives: the Collector's queue holds it, on disk."""
    first, second = TRACE, TRACE[::-1]
    with Stack("minimal", data_dir=tmp_path) as stack:
        post(stack.url("collector.otlp_http", "/v1/traces"), span(first, "shop"))
        eventually(lambda: get(stack.url("jaeger.query", f"/api/traces/{first}")))
        stack.kill("jaeger")
        post(stack.url("collector.otlp_http", "/v1/traces"), span(second, "shop"))
        stack.kill("collector")
        stack.restart("jaeger")
        stack.restart("collector")
        assert get(stack.url("jaeger.query", f"/api/traces/{first}"))
        assert eventually(lambda: get(stack.url("jaeger.query", f"/api/traces/{second}")))
        log_of_jaeger = stack.log("jaeger")
    assert "traces export" not in log_of_jaeger.read_text(encoding="utf-8"), "Jaeger sends traces of its own"


def test_prometheus_and_alertmanager_accept_their_files() -> None:
    """By their own tools, which know more than a start shows."""
    for tool, *arguments in (
        ("promtool", "check", "config", "--syntax-only", str(CONFIG / "prometheus" / "prometheus.yml")),
        *(("amtool", "check-config", str(path)) for path in sorted((DASHBOARDS / "alerts").glob("alertmanager*.yml"))),
    ):
        checked = subprocess.run([cache.binary(tool), *arguments], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image's health probe, compiled."""
    if shutil.which("go") is None:
        pytest.skip("go is not on the PATH")
    binary = tmp_path_factory.mktemp("probe") / "probe"
    source = OTELCOL / "probe" / "main.go"
    subprocess.run(["go", "build", "-o", binary, source], check=True, env=None, cwd=binary.parent)
    return binary


@pytest.mark.parametrize(("status", "code", "output"), [(200, 0, ""), (503, 1, "503 Service Unavailable\n")])
def test_the_probe_reports_whether_a_url_answers(probe: Path, status: int, code: int, output: str) -> None:
    """Healthy is 200 and nothing else."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        serving = threading.Thread(target=server.handle_request)
        serving.start()
        asked = subprocess.run(
            [probe, f"http://127.0.0.1:{server.server_port}/"], capture_output=True, text=True, check=False
        )
        serving.join()
    assert (asked.returncode, asked.stderr) == (code, output)
