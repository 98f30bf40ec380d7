"""A token on the ports in plain text: the API, OTLP over both protocols, and the demo that finds such a collector."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from rich.console import Console

from collector.local.api.answers import PATHS
from collector.local.net.access import Access, Tokens
from collector.local.net.tls import Tls
from collector.local.server import LocalCollector
from demo_flow import demo
from demo_flow.processes import Processes
from tests import certificates
from tests import otlp_samples as otlp
from tests.certificates import BEARER, TOKEN
from tests.local_collector import EXPORT, JSON, PROTOBUF, post

HERE = "127.0.0.1:0"


@pytest.fixture
def collector() -> Iterator[LocalCollector]:
    with LocalCollector(None, HERE, HERE, HERE, access=Access(Tokens([TOKEN]))) as running:
        yield running


def test_every_path_of_the_api_but_health_asks_for_the_token(collector: LocalCollector) -> None:
    """Before the question is looked at, in the one shape of errors, with the challenge that HTTP asks for."""
    with httpx.Client(base_url=f"http://{collector.addresses.api}", timeout=60, trust_env=False) as client:
        for path in (path.replace("{trace_id}", "last").replace("{name}", "x") for path in PATHS):
            without, wrong = client.get(path), client.get(path, headers={"Authorization": f"{BEARER}x"})
            if path == "/api/health":
                assert (without.status_code, wrong.status_code) == (200, 200)
                continue
            for refused in (without, wrong):
                assert (refused.status_code, refused.headers["WWW-Authenticate"][:6]) == (401, "Bearer"), path
                assert set(refused.json()["error"]) == {"code", "message", "hint"}
                assert refused.json()["error"]["code"] == "unauthorized"
            answered = client.get(path, headers={"Authorization": BEARER})
            assert answered.status_code in {200, 400, 404}  # some questions need parameters


def test_with_a_token_the_api_may_be_called_by_any_name(collector: LocalCollector) -> None:
    """Such as that of a proxy: a page that was lured here by DNS has no token."""
    url = f"http://{collector.addresses.api}/api/services"
    named = {"Host": "collector.example"}
    assert httpx.get(url, headers=named, trust_env=False).status_code == 401
    assert httpx.get(url, headers=named | {"Authorization": BEARER}, trust_env=False).status_code == 200


@pytest.mark.parametrize("kind", [JSON, PROTOBUF], ids=["json", "protobuf"])
def test_an_export_over_http_without_the_token_is_refused_for_good(
    collector: LocalCollector, kind: dict[str, str]
) -> None:
    """401 with a challenge and a Status in the request's content type; it is counted, and nothing of it is read."""
    body = json.dumps(otlp.traces(otlp.small_span(1))).encode()
    status, headers, answer = post(collector, "/v1/traces", body, kind)
    assert (status, headers["www-authenticate"]) == (401, 'Bearer realm="search-telemetry"')
    if headers["content-type"] == JSON["Content-Type"]:
        code, message = json.loads(answer)["code"], json.loads(answer)["message"]
    else:
        code, message = Status.FromString(answer).code, Status.FromString(answer).message
    assert (code, "requires a token" in message) == (16, True)
    figures = collector.stats()
    assert (figures.signals["traces"].exports, figures.signals["traces"].unauthorized) == (1, 1)
    assert (figures.signals["traces"].received, figures.queue_exports) == (0, 0)
    assert post(collector, "/v1/traces", body, JSON | {"Authorization": BEARER})[0] == 200


@pytest.mark.parametrize("metadata", [(), (("authorization", f"{BEARER}x"),), (("authorization", TOKEN),)])
def test_an_export_over_grpc_without_the_token_is_unauthenticated(
    collector: LocalCollector, metadata: tuple[tuple[str, str], ...]
) -> None:
    """With no time to come back: sending it again does not help."""
    with grpc.insecure_channel(str(collector.addresses.grpc)) as channel:
        export = channel.unary_unary(EXPORT, None, None)
        with pytest.raises(grpc.RpcError) as refused:
            export(b"", metadata=metadata, timeout=60)
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert "token" in str(refused.value.details())
        assert export(b"", metadata=(("authorization", BEARER),), timeout=60) == b""
    assert collector.stats().signals["traces"].unauthorized == 1


def test_the_demo_uses_a_collector_with_tls_and_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the commands read from the environment becomes what senders read from theirs."""
    pems = certificates.make(tmp_path / "pems")
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    monkeypatch.setenv(demo.TOKEN_FILE, str(tmp_path / "token"))
    monkeypatch.setenv(demo.CERTIFICATE, str(pems.authority))
    for name in ("ENDPOINT", "HEADERS", "CERTIFICATE"):
        monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{name}", "stale")  # and put back by the fixture, whatever the demo does
    access = Access(Tokens([TOKEN]), Tls(pems.certificate, pems.key))
    with LocalCollector(None, HERE, HERE, HERE, access=access) as running, Processes(tmp_path / "logs") as processes:
        wanted = demo.Collector(otlp=str(running.addresses.grpc), api=str(running.addresses.api))
        assert demo._start_collector(Console(quiet=True), processes, wanted) == f"https://{running.addresses.api}"

        assert {name: value for name, value in os.environ.items() if name.startswith("OTEL_")} == {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"https://{running.addresses.grpc}",
            "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{TOKEN}",
            "OTEL_EXPORTER_OTLP_CERTIFICATE": str(pems.authority),
        }
