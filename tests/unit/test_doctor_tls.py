"""Between a service and its collector stand TLS, certificates and tokens: the doctor states which, and what to do."""

from collections.abc import Iterator

import grpc
import pytest

from collector.doctor.finding import Status
from collector.local.net.access import Access, Tokens
from collector.local.net.tls import Tls
from collector.local.server import LocalCollector
from tests import certificates
from tests.certificates import TOKEN
from tests.doctor_stand_in import backend, sent
from tests.otlp_stand_in import StandIn, stand_in

PROTOCOLS = ("grpc", "http/protobuf")


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> certificates.Pems:
    return certificates.make(tmp_path_factory.mktemp("pems"))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tls_where_there_is_none(collector: StandIn, protocol: str) -> None:
    """https:// to a port of plain text."""
    endpoint = collector.grpc if protocol == "grpc" else collector.http
    found = sent(endpoint.replace("http://", "https://"), protocol)
    assert (found.code, found.hint) == (
        "tls_to_plain", "write http:// in OTEL_EXPORTER_OTLP_ENDPOINT, or enable TLS there"
    )  # fmt: skip


@pytest.fixture(scope="module")
def mutual(pems: certificates.Pems) -> Iterator[LocalCollector]:
    """A collector with TLS that asks for a client's certificate."""
    access = Access(tls=Tls(pems.certificate, pems.key, pems.authority))
    with LocalCollector(None, "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", access=access) as running:
        yield running


@pytest.fixture(scope="module")
def secure(pems: certificates.Pems) -> Iterator[LocalCollector]:
    """A collector with TLS and a token."""
    access = Access(Tokens([TOKEN]), Tls(pems.certificate, pems.key))
    with LocalCollector(None, "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", access=access) as running:
        yield running


def endpoint_of(collector: LocalCollector, protocol: str, scheme: str = "https") -> str:
    return f"{scheme}://{collector.addresses.grpc if protocol == 'grpc' else collector.addresses.http}"


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("scheme", "more", "code"),
    [
        ("http", {}, "plain_to_tls"),
        ("https", {}, "unknown_authority"),
        ("https", {"CERTIFICATE": "other_authority"}, "unknown_authority"),
        ("https", {"CERTIFICATE": "authority"}, "unauthorized"),
    ],
    ids=["plain text", "the system's authorities", "another authority", "no token"],
)
def test_what_stands_between_a_service_and_tls(
    secure: LocalCollector, pems: certificates.Pems, protocol: str, scheme: str, more: dict[str, str], code: str
) -> None:
    """Each with a code of its own, by gRPC and HTTP alike, against the local collector's own TLS."""
    variables = {f"OTEL_EXPORTER_OTLP_{name}": str(getattr(pems, pem)) for name, pem in more.items()}
    found = sent(endpoint_of(secure, protocol, scheme), protocol, **variables)
    assert (found.status, found.code) == (Status.FAILED, code), found


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_port_of_the_other_protocol_is_recognised_through_tls(
    secure: LocalCollector, pems: certificates.Pems, protocol: str
) -> None:
    """As in plain text: a certificate that is in order does not hide it."""
    other = endpoint_of(secure, "http/protobuf" if protocol == "grpc" else "grpc")
    found = sent(other, protocol, OTEL_EXPORTER_OTLP_CERTIFICATE=str(pems.authority))
    assert found.code == "wrong_protocol", found


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_token_that_is_missing_or_wrong(secure: LocalCollector, pems: certificates.Pems, protocol: str) -> None:
    """The two have different fixes; no token is repeated; with the right one all is well."""
    trusted = {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(pems.authority)}
    endpoint = endpoint_of(secure, protocol)
    none = sent(endpoint, protocol, **trusted)
    assert (none.code, none.hint) == ("unauthorized", "set OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN")
    wrong = sent(endpoint, protocol, **trusted, OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20wrong-wrong-wrong")
    assert (wrong.code, wrong.hint) == ("unauthorized", "correct the token in OTEL_EXPORTER_OTLP_HEADERS")
    assert "wrong-wrong" not in f"{wrong.detail}{wrong.hint}"
    right = sent(endpoint, protocol, **trusted, OTEL_EXPORTER_OTLP_HEADERS=f"authorization=Bearer%20{TOKEN}")
    assert right.status is Status.OK


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("client", "code"),
    [("", "client_certificate_wanted"), ("other_client", "client_certificate_refused"), ("client", "")],
)
def test_a_client_certificate_that_is_missing_or_unknown(
    mutual: LocalCollector, pems: certificates.Pems, protocol: str, client: str, code: str
) -> None:
    """Servers of TLS 1.3 close the connection after the handshake without a reason: the doctor explains it."""
    variables = {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(pems.authority)}
    if client:
        own = str(getattr(pems, client))
        variables |= {"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": own, "OTEL_EXPORTER_OTLP_CLIENT_KEY": own}
    found = sent(endpoint_of(mutual, protocol), protocol, **variables)
    assert found.code == code, found


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_expired_certificate(pems: certificates.Pems, protocol: str) -> None:
    """The authority is trusted; time is what is wrong."""
    pair = (pems.expired, pems.expired_key)
    credentials = grpc.ssl_server_credentials([(pair[1].read_bytes(), pair[0].read_bytes())])
    trusted = {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(pems.authority)}
    with stand_in(credentials) as by_grpc, backend({}, pems=pair) as by_http:
        endpoint = by_grpc.grpc.replace("localhost", "127.0.0.1") if protocol == "grpc" else by_http.url
        found = sent(endpoint, protocol, **trusted)
    assert (found.code, found.hint) == ("expired_certificate", "renew it, and restart what listens there")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_certificate_for_another_name(pems: certificates.Pems, protocol: str) -> None:
    """The expired one aside, the stand-ins' certificate names localhost and 127.0.0.1, and not 127.0.0.2."""
    pair = (pems.certificate, pems.key)
    credentials = grpc.ssl_server_credentials([(pair[1].read_bytes(), pair[0].read_bytes())])
    trusted = {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(pems.authority)}
    with stand_in(credentials) as by_grpc, backend({}, pems=pair) as by_http:
        endpoint = by_grpc.grpc.replace("localhost", "0.0.0.0") if protocol == "grpc" else by_http.url
        found = sent(endpoint.replace("127.0.0.1", "0.0.0.0"), protocol, **trusted)
    assert (found.code, found.hint) == ("wrong_name", "use a name of the certificate in OTEL_EXPORTER_OTLP_ENDPOINT")
