"""Derives the cause of a failed connection from what was seen at an address."""

from collections.abc import Sequence
from typing import Final

from collector.doctor.finding import Cause, Code
from collector.doctor.network.place import Place, Speech
from collector.doctor.network.probe import CLOSED, Seen
from telemetry.otlp.tls_reasons import SERVER_PROBLEMS, Reason, match

_SPOKEN: Final[dict[Speech, str]] = {"grpc": "gRPC", "http": "HTTP"}
_USUAL: Final[dict[Speech, int]] = {"grpc": 4317, "http": 4318}
_PROTOCOLS: Final[dict[Speech, str]] = {"grpc": "grpc", "http": "http/protobuf"}


def connection(place: Place, seen: Seen, others: Sequence[tuple[int, Seen]] = ()) -> Cause | None:
    """Return why a request failed; None if the address looks right.

    Arguments: `others`, what was seen at other ports of the same host, if nothing listens at this one.
    """
    if seen.reach != "answers":
        return _unreached(place, seen, others)
    if seen.tls != place.tls:
        return _other_tls(place, seen)
    if seen.tls_problem:
        return tls(place, seen.tls_problem)
    if seen.speech is None:
        return Cause(
            "unknown_protocol",
            f"{place.address} accepts connections, and speaks neither gRPC nor HTTP",
            f"check what listens there; set {place.named} to the address of an OpenTelemetry Collector",
        )
    if seen.speech != place.speech:
        return _other_speech(place, seen.speech)
    return None


def _unreached(place: Place, seen: Seen, others: Sequence[tuple[int, Seen]]) -> Cause:
    if seen.reach == "silent":
        return Cause(
            "no_answer",
            f"{place.address} accepts connections and does not respond",
            f"see its log: it may be overloaded, or not a server for this; else correct {place.named}",
        )
    if seen.reach == "unknown_name":
        return Cause(
            "unknown_name",
            f"the name {place.host} is not known ({seen.reason})",
            f"correct the host in {place.named}; a service name of Docker or Kubernetes is known only inside it",
        )
    if seen.reach == "refused":
        there = [f"{port} speaks {_SPOKEN[found.speech]}" for port, found in others if found.speech is not None]
        instead = f", but on the same host {' and '.join(there)}" if there else ""
        return Cause("nothing_listens", f"nothing listens on {place.address}{instead}", _start(place, others))
    if seen.reach == "timed_out":
        return Cause(
            "timed_out",
            f"{place.address} does not respond at all",
            "a firewall or a wrong address: check that host and port can be reached from here",
        )
    return Cause("unreachable", f"{place.address} cannot be reached ({seen.reason})", f"correct {place.named}")


def _start(place: Place, others: Sequence[tuple[int, Seen]]) -> str:
    for port, found in others:
        if found.speech is not None and place.named.startswith("OTEL_"):
            return (
                f"set {place.named} to port {port} and OTEL_EXPORTER_OTLP_PROTOCOL={_PROTOCOLS[found.speech]}, "
                "or start what should listen there"
            )
    if place.named.startswith("OTEL_"):
        return f"start a collector (telemetry collect, or telemetry stack up), or correct {place.named}"
    return f"start it (telemetry stack up), or correct {place.named}"


def _other_tls(place: Place, seen: Seen) -> Cause:
    if seen.tls:
        return Cause(
            "plain_to_tls",
            f"{place.address} speaks TLS, and was called in plain text",
            f"write https:// in {place.named}",
        )
    return Cause(
        "tls_to_plain",
        f"{place.address} speaks plain text, and was called with TLS",
        f"write http:// in {place.named}, or enable TLS there",
    )


def _other_speech(place: Place, speech: Speech) -> Cause:
    """GRPC in place of HTTP, or HTTP in place of gRPC."""
    if not place.named.startswith("OTEL_"):
        return Cause(
            "wrong_protocol", f"{place.address} speaks gRPC, where HTTP was expected", f"correct {place.named}"
        )
    return Cause(
        "wrong_protocol",
        f"{place.address} speaks {_SPOKEN[speech]}, and the exporter {_SPOKEN[place.speech]}",
        f"set {place.named} to the port for {_SPOKEN[place.speech]} (usually {_USUAL[place.speech]}), "
        f"or OTEL_EXPORTER_OTLP_PROTOCOL={_PROTOCOLS[speech]}",
    )


def tls(place: Place, problem: str) -> Cause:
    """Return the cause of a TLS error."""
    hints = {
        "trust": f"set {place.authority_named} to the PEM file of its authority",
        "name": f"use a name of the certificate in {place.named}",
        "own": "set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY to PEM files",
        "renew": "renew it, and restart what listens there",
        "clocks": "compare the clocks of both machines",
    }
    if problem == CLOSED:
        closed = f"{place.address} closes the connection after the TLS handshake, as for callers"
        if place.certificate:
            return Cause("client_certificate_refused", f"{closed} with an unknown certificate", hints["own"])
        return Cause("client_certificate_wanted", f"{closed} without a certificate", hints["own"])
    if (found := match(problem)) and found.reason in _TLS:
        code, hint = _TLS[found.reason]
        return Cause(code, f"{place.address}: {SERVER_PROBLEMS[found.reason]}", hints[hint])
    detail = f"{place.address}: the TLS handshake failed ({problem})"
    return Cause("tls", detail, "check the certificates of both sides")


_TLS: Final[dict[Reason, tuple[Code, str]]] = {
    "expired": ("expired_certificate", "renew"),
    "not_yet_valid": ("clock_skew", "clocks"),
    "wrong_name": ("wrong_name", "name"),
    "untrusted": ("unknown_authority", "trust"),
    "certificate_required": ("client_certificate_wanted", "own"),
    "handshake_refused": ("client_certificate_wanted", "own"),
    "unknown_authority": ("client_certificate_refused", "own"),
    "refused": ("client_certificate_refused", "own"),
}
"""The code of a reason, and which hint."""
