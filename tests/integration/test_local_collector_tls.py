"""TLS on all three ports: who gets in, and the errors of everyone else, on both sides."""

from __future__ import annotations

import argparse
import http.client
import json
import logging
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme

from collector.local.cli import calling, client, commands
from collector.local.cli.client import HttpReader
from collector.local.errors import CollectorError, SettingsError
from collector.local.net.access import TOKEN as TOKEN_VARIABLE
from collector.local.net.access import Access, Tokens
from collector.local.net.tls import Tls
from collector.local.server import LocalCollector
from collector.local.settings import CollectorSettings
from tests import certificates
from tests import otlp_samples as otlp
from tests.certificates import TOKEN
from tests.local_collector import EXPORT, JSON

HERE = "127.0.0.1:0"
A_SPAN = json.dumps(otlp.traces(otlp.small_span(1)))


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> certificates.Pems:
    return certificates.make(tmp_path_factory.mktemp("pems"))


@pytest.fixture
def collector(pems: certificates.Pems) -> Iterator[LocalCollector]:
    """With TLS and a token."""
    with secured(Tls(pems.certificate, pems.key), Tokens([TOKEN])) as running:
        yield running


def secured(tls: Tls | None, tokens: Tokens | None = None, **settings: Any) -> LocalCollector:
    limits = CollectorSettings(**settings)
    return LocalCollector(None, HERE, HERE, HERE, limits, access=Access(tokens, tls))


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that names nothing."""
    for variable in (TOKEN_VARIABLE, calling.CERTIFICATE, calling.CLIENT_CERTIFICATE, calling.CLIENT_KEY):
        monkeypatch.delenv(variable, raising=False)
    return monkeypatch


def failure(api: str) -> str:
    """The error of a reading command for a collector that it cannot read."""
    with closing(HttpReader(api)) as reader, pytest.raises(CollectorError) as refused:
        reader.get("/api/services")
    return f"{refused.value.message} {refused.value.hint}".replace(api, "API")


def test_the_commands_read_through_tls_with_token_and_authority_of_the_environment(
    collector: LocalCollector, pems: certificates.Pems, reading: pytest.MonkeyPatch
) -> None:
    """The scheme need not be written where a certificate is named."""
    reading.setenv(TOKEN_VARIABLE, TOKEN)
    reading.setenv(calling.CERTIFICATE, str(pems.authority))
    for address in (str(collector.addresses.api), f"https://{collector.addresses.api}"):
        reader = HttpReader(address)
        assert reader.get("/api/services") == {"services": [], "next": None}
        reader.close()


def test_a_reader_is_shown_what_is_between_it_and_the_collector(
    collector: LocalCollector, pems: certificates.Pems, reading: pytest.MonkeyPatch
) -> None:
    """Plain text to TLS, an unknown authority, no token, a wrong token: each with its hint."""
    api = str(collector.addresses.api)
    found = {"plain text": failure(f"http://{api}"), "unknown authority": failure(f"https://{api}")}
    reading.setenv(calling.CERTIFICATE, str(pems.authority))
    found["no token"] = failure(api)
    reading.setenv(TOKEN_VARIABLE, "wrong" + TOKEN)
    found["wrong token"] = failure(api)
    assert {case: text.replace(api, "API") for case, text in found.items()} == {
        "plain text": "this port speaks TLS, and was called in plain text use https://",
        "unknown authority": "API: its certificate is not trusted. "
        "Set SEARCH_TELEMETRY_COLLECTOR_CERTIFICATE to the PEM file of its authority.",
        "no token": "The collector at https://API requires a token. Set SEARCH_TELEMETRY_COLLECTOR_TOKEN "
        "to it, or SEARCH_TELEMETRY_COLLECTOR_TOKEN_FILE to a file that has it.",
        "wrong token": "The collector at https://API does not accept the token. Set SEARCH_TELEMETRY_COLLECTOR_TOKEN "
        "to it, or SEARCH_TELEMETRY_COLLECTOR_TOKEN_FILE to a file that has it.",
    }


def test_a_certificate_for_another_name_is_reported(
    pems: certificates.Pems, reading: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A trusted certificate is not enough: its name must be that of the server."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    other = authority.issue_cert("collector.example")
    other.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    with secured(Tls(tmp_path / "both.pem", tmp_path / "both.pem")) as collector:
        reading.setenv(calling.CERTIFICATE, str(tmp_path / "ca.pem"))
        assert failure(str(collector.addresses.api)).endswith(
            "its certificate is for another name. Call it by a name that is in its certificate."
        )


def test_tls_to_a_port_in_plain_text_is_reported_on_both_sides(
    pems: certificates.Pems, reading: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Once in the collector's log, however often it is tried."""
    with secured(None) as collector, caplog.at_level(logging.WARNING, "collector.local"):
        reading.setenv(calling.CERTIFICATE, str(pems.authority))
        messages = {failure(str(collector.addresses.api)) for _ in range(3)}
        assert messages == {"https://API: that port speaks plain text. Write http:// before the address."}
        reading.setattr(client, "DEFAULT_API", str(collector.addresses.api))
        with closing(client.open_reader(None, None)) as reader, pytest.raises(CollectorError, match="plain text"):
            reader.get("/api/services")  # somebody is there: no other store is read instead
    lines = [record.getMessage() for record in caplog.records]
    assert lines == [f"{collector.addresses.api} speaks plain text, and was called with TLS; callers must use http://"]


def test_plain_text_to_tls_gets_an_answer_in_the_ports_own_shape(
    collector: LocalCollector, caplog: pytest.LogCaptureFixture
) -> None:
    """Not a reset connection; and the collector logs it once for each port."""
    with caplog.at_level(logging.WARNING, "collector.local"):
        answers = [plain_get(str(address)) for address in (collector.addresses.http, collector.addresses.api) * 2]
    message = "this port speaks TLS, and was called in plain text"
    assert answers[:2] == answers[2:]
    assert answers[0] == (400, {"code": 3, "message": f"{message}; use https://"})
    assert answers[1] == (
        400,
        {"error": {"code": "tls_required", "message": message, "hint": "use https://"}},
    )
    assert [record.getMessage() for record in caplog.records] == [
        f"{collector.addresses.http}: {message}; callers must use https://"
    ]


def plain_get(address: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(address, timeout=60)
    try:
        connection.request("GET", "/")
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def https(collector: LocalCollector, pems: certificates.Pems, show: Path | None = None) -> http.client.HTTPSConnection:
    context = ssl.create_default_context(cafile=str(pems.authority))
    if show:
        context.load_cert_chain(show)
    return http.client.HTTPSConnection(str(collector.addresses.http), timeout=60, context=context)


@pytest.mark.parametrize(("show", "gets_in"), [("client", True), ("other_client", False), (None, False)])
def test_with_an_authority_for_clients_only_their_certificates_get_in(
    pems: certificates.Pems, show: str | None, gets_in: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Over HTTP and gRPC; the log has the reason once."""
    shown: Path | None = getattr(pems, show) if show else None
    tls = Tls(pems.certificate, pems.key, pems.authority)
    with secured(tls) as collector, caplog.at_level(logging.WARNING, "collector.local"):
        connection = https(collector, pems, shown)
        try:
            connection.request("POST", "/v1/traces", A_SPAN, JSON)
            by_http = connection.getresponse().status == 200
        except OSError:  # of which ssl.SSLError is one
            by_http = False
        finally:
            connection.close()
        pem = shown.read_bytes() if shown else None
        credentials = grpc.ssl_channel_credentials(pems.authority.read_bytes(), pem, pem)
        with grpc.secure_channel(str(collector.addresses.grpc), credentials) as channel:
            try:
                channel.unary_unary(EXPORT, None, None)(b"", timeout=60)
                by_grpc = grpc.StatusCode.OK
            except grpc.RpcError as error:
                by_grpc = error.code()
        assert (by_http, by_grpc) == (gets_in, grpc.StatusCode.OK if gets_in else grpc.StatusCode.UNAVAILABLE)
    messages = [record.getMessage().partition(": ")[2] for record in caplog.records]
    why = (
        "its certificate is not of --tls-client-ca"
        if show
        else "it sent no certificate, which --tls-client-ca asks for"
    )
    assert [text.partition(" (")[0] for text in messages] == (
        [] if gets_in else [f"the TLS handshake with a caller failed: {why}"]
    )


def test_a_caller_that_never_finishes_the_handshake_is_given_up(
    pems: certificates.Pems,
) -> None:
    """One that sends nothing, and one that stops in the middle; others can connect meanwhile."""
    with secured(Tls(pems.certificate, pems.key), handshake_timeout_s=0.3) as collector:
        host, port = str(collector.addresses.http).split(":")
        with (
            socket.create_connection((host, int(port)), 60) as silent,
            socket.create_connection((host, int(port)), 60) as halfway,
        ):
            halfway.sendall(b"\x16\x03\x01\x02\x00\x01")
            connection = https(collector, pems)
            connection.request("POST", "/v1/traces", A_SPAN, JSON)
            assert connection.getresponse().status == 200
            connection.close()
            assert (until_closed(silent), until_closed(halfway)) == (True, True)


def until_closed(connection: socket.socket) -> bool:
    try:
        while connection.recv(1_000):
            pass
    except ConnectionResetError:
        pass
    return True


SENDER = """
import logging, sys, telemetry
logging.basicConfig(format="%(name)s %(message)s")
handle = telemetry.configure("sender", metric_interval=60.0)
with telemetry.stage("work"):
    pass
handle.flush(10)
handle.shutdown(10)
stats = handle.stats
print(stats.spans.recorded, stats.spans.exported, stats.spans.dropped["export_failed"])
"""


def send(collector: LocalCollector, protocol: str, token: str, pems: certificates.Pems, scheme: str) -> tuple[str, str]:
    """The output and the counts of a service with our library: recorded, exported, dropped for `export_failed`."""
    address = collector.addresses.grpc if protocol == "grpc" else collector.addresses.http
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("OTEL_", "SEARCH_"))} | {
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"{scheme}://{address}",
        "OTEL_EXPORTER_OTLP_CERTIFICATE": str(pems.authority),
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{token}",
    }
    done = subprocess.run(
        [sys.executable, "-c", SENDER], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip(), done.stderr


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_our_library_sends_through_tls_with_a_token(
    collector: LocalCollector, pems: certificates.Pems, protocol: str
) -> None:
    """With the standard variables only; no warning, no loss."""
    assert send(collector, protocol, TOKEN, pems, "https") == ("1 1 0", "")
    stored = collector.stats().signals["traces"]
    assert (stored.stored, stored.unauthorized) == (1, 0)


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_our_library_counts_what_a_wrong_token_cost_and_warns_once(
    collector: LocalCollector, pems: certificates.Pems, protocol: str, caplog: pytest.LogCaptureFixture
) -> None:
    """By reason, at both ends; the warning of each signal has the collector's message, and no token."""
    with caplog.at_level(logging.WARNING, "collector.local"):
        counts, messages = send(collector, protocol, "wrong" + TOKEN, pems, "https")
    assert counts == "1 0 1"
    warnings = [line for line in messages.splitlines() if "spans cannot be delivered" in line]
    assert len(warnings) == 1
    assert "the token is wrong; use the token that the collector was started with" in warnings[0]
    assert TOKEN not in messages
    assert collector.stats().signals["traces"].unauthorized == 1
    assert len([r for r in caplog.records if "was refused: the token is wrong" in r.getMessage()]) == 1
    assert TOKEN not in caplog.text


def test_our_library_in_plain_text_to_tls_is_reported(collector: LocalCollector, pems: certificates.Pems) -> None:
    """Over HTTP, where the collector can answer."""
    counts, messages = send(collector, "http/protobuf", TOKEN, pems, "http")
    assert counts == "1 0 1"
    assert "this port speaks TLS, and was called in plain text; use https://" in messages


def test_a_certificate_of_the_environment_that_cannot_be_used_is_named(
    reading: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With its variable."""
    reading.setenv(calling.CERTIFICATE, str(tmp_path / "nowhere.pem"))
    with pytest.raises(SettingsError, match="SEARCH_TELEMETRY_COLLECTOR_CERTIFICATE cannot be used"):
        HttpReader("127.0.0.1:1")


TOLD = "the TLS handshake with a caller failed: it spoke plain text; callers must use https://"


def test_a_collector_process_with_tls_logs_failed_grpc_handshakes_once(pems: certificates.Pems, tmp_path: Path) -> None:
    """GRPC itself would write a line for each; and the banner shows what callers need."""
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    ports = [part for name in ("--grpc", "--http", "--api") for part in (name, HERE)]
    command = [
        str(Path(sys.executable).with_name("telemetry")),
        "collect",
        "--store",
        str(tmp_path / "s.duckdb"),
        *ports,
    ]
    command += ["--token-file", str(token), "--tls-cert", str(pems.certificate), "--tls-key", str(pems.key)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    messages = ""
    try:
        banner = []
        for line in process.stdout:
            banner.append(line.strip())
            if "Ctrl-C" in line:
                break
        address = next(line.split()[-1] for line in banner if line.startswith("OTLP over gRPC"))
        host, port = address.split(":")
        for _ in range(5):
            with socket.create_connection((host, int(port)), 60) as plain:
                plain.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
                until_closed(plain)
        while TOLD not in messages:  # gRPC writes its log after it has closed the connection
            messages += process.stderr.readline() or pytest.fail(f"the collector ended, and had messages:\n{messages}")
    finally:
        process.send_signal(signal.SIGTERM)
        with process:  # its end closes what is read here
            messages += process.stderr.read()
    assert process.returncode == 0
    assert "access          with a token" in banner
    assert any(line.startswith("OTLP over HTTP  https://") for line in banner)
    assert messages.count(TOLD) == 1, messages
    assert "ssl_transport_security" not in messages


def test_a_token_is_never_given_on_the_command_line() -> None:
    """Where everyone on the machine can see it: there is no option for one, not even an abbreviated one."""
    subparsers = argparse.ArgumentParser().add_subparsers()
    commands.add(subparsers)
    for name, parser in subparsers.choices.items():
        options = {option for action in parser._actions for option in action.option_strings}
        assert {option for option in options if "token" in option} <= {"--token-file"}, name
