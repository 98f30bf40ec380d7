"""Sends marked telemetry with the settings and the senders of a service, and explains the outcome."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from collector.doctor.finding import Cause, Code
from collector.doctor.network import explain, probe
from collector.doctor.network.place import Place, of_exporter
from collector.doctor.network.probe import Seen, look
from collector.doctor.network.proxies import Proxy, between
from collector.doctor.network.receiver import is_response, kind_of
from telemetry.config.settings import ExporterSettings
from telemetry.conventions import SIGNALS, Signal
from telemetry.otlp import signals
from telemetry.otlp.outcome import Outcome, Sender

KINDS: Final = {"traces": signals.SPANS, "metrics": signals.METRICS, "logs": signals.LOGS}
_USUAL_PORTS: Final = (4317, 4318)
_CREDENTIALS: Final = {"authorization", "x-sentry-auth", "api-key", "x-api-key"}
"""Headers with credentials."""
_NOT_GRPC: Final = "UNIMPLEMENTED: Received http2 header"
"""gRPC's error for an HTTP/2 response that is not gRPC."""
_PERHAPS_ANOTHER: Final = {"not_found", "not_taken", "foreign"}
"""Codes that may also come from other servers."""
_SENDING: Final = ((4317, "grpc"), (4318, "http/protobuf"))
_NAME_ONE: Final = "use the address of an OpenTelemetry Collector; a proxy or a load balancer may respond in its place"
_HEADERS: Final = "OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN"


@dataclass(frozen=True, slots=True)
class Sent:
    """The outcome of sending one signal.

    `began` of `time.monotonic`; `cause` is why the endpoint did not accept it, None if it did.
    """

    signal: Signal
    settings: ExporterSettings
    began: float
    seconds: float
    cause: Cause | None = None
    seen: Seen | None = None

    @property
    def where(self) -> str:
        """The endpoint, without a password, and the protocol."""
        return f"{self.settings.endpoint.rpartition('@')[2]} by {self.settings.protocol}"


def send(
    signal: Signal, settings: ExporterSettings, request: bytes, timeout: float, environ: Mapping[str, str]
) -> Sent:
    """Send one request, once, in about `timeout` seconds, and some more to find why it failed."""
    kind = KINDS[signal]
    sender = _sender(kind, settings)
    began = time.monotonic()
    try:
        outcome = sender.send(request, min(timeout, settings.timeout))
    finally:
        sender.close()
    seconds = time.monotonic() - began
    place = of_exporter(settings, variable_of("ENDPOINT", signal, environ))
    if outcome.response is None:
        cause, seen = _why(outcome, signal, settings, place, environ)
        return Sent(signal, settings, began, seconds, cause, seen)
    if not is_response(outcome.response):
        cause = Cause("foreign", "the response is not OTLP: a web server listens there, not a collector", _NAME_ONE)
        return Sent(signal, settings, began, seconds, cause)
    refused, words = kind.rejected(outcome.response)
    if refused:
        detail = f"the request was accepted, its content rejected: {words or 'without a reason'}"
        cause = Cause("rejected", detail, "see the collector's log")
        return Sent(signal, settings, began, seconds, cause)
    tells_time = place is not None and place.speech == "http" and between(place, environ) is None
    return Sent(signal, settings, began, seconds, None, look(place) if place and tells_time else None)


def variable_of(name: str, signal: Signal, environ: Mapping[str, str]) -> str:
    """Return the variable of a signal's setting: its own, or that of all signals."""
    own = f"OTEL_EXPORTER_OTLP_{signal.upper()}_{name}"
    return own if environ.get(own, "").strip() else f"OTEL_EXPORTER_OTLP_{name}"


def _sender(kind: signals.SignalKind, settings: ExporterSettings) -> Sender:
    if settings.protocol == "grpc":
        from telemetry.otlp.grpc import GrpcSender

        return GrpcSender(settings, kind.method)
    from telemetry.otlp.http import HttpSender

    return HttpSender(settings)


def _why(
    outcome: Outcome, signal: Signal, settings: ExporterSettings, place: Place | None, environ: Mapping[str, str]
) -> tuple[Cause, Seen | None]:
    """The cause: invalid settings, another server at the address, or the response itself."""
    if wrong := _wrong_path(signal, settings, environ):
        return wrong, None
    if answered := _answered(outcome.problem, signal, settings, environ):
        direct = place is not None and between(place, environ) is None
        other = _another(place) if place and direct and answered.code in _PERHAPS_ANOTHER else None
        return other or answered, None
    if place is None:
        return _other(outcome.problem), None
    proxy = between(place, environ)
    seen = look(place)
    if proxy is not None:
        return _through(proxy, place, seen, outcome.problem), seen
    if seen.speech == "http" != place.speech and (other := _another(place)):
        return other, seen
    others = [] if seen.reach != "refused" else _others(place)
    return explain.connection(place, seen, others) or _other(outcome.problem), seen


def _wrong_path(signal: Signal, settings: ExporterSettings, environ: Mapping[str, str]) -> Cause | None:
    """A signal's path in the wrong variable: it is appended to the address of all signals."""
    variable, path = variable_of("ENDPOINT", signal, environ), f"/v1/{signal}"
    given = settings.endpoint if settings.protocol == "grpc" else settings.endpoint.removesuffix(path)
    wrong = next((f"/v1/{one}" for one in SIGNALS if given.rstrip("/").endswith(f"/v1/{one}")), "")
    if not wrong:
        return None
    shorter = f"remove {wrong} from {variable}"
    if settings.protocol == "grpc":
        detail = f"{variable} ends in {wrong}, which is for HTTP, and the exporter speaks gRPC"
        return Cause("wrong_path", detail, f"{shorter}, and set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf")
    if given != settings.endpoint:
        return Cause("wrong_path", f"{variable} ends in {wrong}, and {path} is appended to it", shorter)
    return Cause("wrong_path", f"{variable} ends in {wrong}: {signal} do not go there", f"end it with {path}")


def _another(place: Place) -> Cause | None:
    """The cause if what responds to HTTP there is not an OTLP receiver."""
    kind = kind_of(place)
    if kind == "reading":
        detail = f"{place.address} is the query API of a local collector, which accepts no telemetry"
        usual = " or ".join(f"port {port} ({protocol})" for port, protocol in _SENDING)
        return Cause("reading_port", detail, f"set {place.named} to its port for telemetry, usually {usual}")
    if kind == "web":
        return Cause("foreign", f"{place.address} is a web server, not a collector", _NAME_ONE)
    return None


def _others(place: Place) -> list[tuple[int, Seen]]:
    """What listens at the default ports of the same host."""
    ports = [port for port in _USUAL_PORTS if port != place.port]
    return [(port, look(_at(place, port), probe.PATIENCE / 4)) for port in ports]


def _at(place: Place, port: int) -> Place:
    return Place(place.host, port, place.tls, place.speech, place.named, place.authority_named)


def _answered(problem: str, signal: Signal, settings: ExporterSettings, environ: Mapping[str, str]) -> Cause | None:
    """The cause of a refusal, by its status of HTTP or gRPC."""
    code = problem.removeprefix("HTTP ").partition(":")[0].split(" ")[0]
    named = variable_of("HEADERS", signal, environ)
    known = any(name in _CREDENTIALS for name, _ in settings.headers)
    wrong_token = ("the token is wrong", f"correct the token in {named}")
    no_token = ("a token is required, and none is sent", f"set {_HEADERS}")
    foreign = problem.startswith(_NOT_GRPC)
    pipeline = f"give it a pipeline for {signal}, or set OTEL_{signal.upper()}_EXPORTER=none"
    meanings: tuple[tuple[set[str], Code, tuple[str, str]], ...] = (
        ({"401", "UNAUTHENTICATED"}, "unauthorized", wrong_token if known else no_token),
        ({"403", "PERMISSION_DENIED"}, "forbidden", ("the sender is not permitted", f"use another token in {named}")),
        (
            {"404", "405", "501"},
            "not_found",
            (f"{signal} are not accepted at this path", _path(signal, settings, environ)),
        ),
        ({"UNIMPLEMENTED"} if foreign else set(), "foreign", ("a web server responds, not a collector", _NAME_ONE)),
        ({"UNIMPLEMENTED"}, "not_taken", (f"{signal} are not accepted there", pipeline)),
        ({"413", "415"}, "not_taken", ("the server does not accept OTLP", _NAME_ONE)),
        ({"429", "503", "RESOURCE_EXHAUSTED"}, "overloaded", ("it is overloaded, or full", "see the collector's log")),
    )
    for codes, cause, (wrong, hint) in meanings:
        if code in codes:
            return Cause(cause, f"{wrong} ({problem})", hint)
    return None


def _path(signal: Signal, settings: ExporterSettings, environ: Mapping[str, str]) -> str:
    """The hint for a wrong path: a signal's own variable is the whole address."""
    variable, path = variable_of("ENDPOINT", signal, environ), f"/v1/{signal}"
    if settings.endpoint.endswith(path):
        return f"check that {variable} is the address of an OpenTelemetry Collector, whose usual path is {path}"
    return f"end the address in {variable} with {path}"


def _through(proxy: Proxy, place: Place, seen: Seen, problem: str) -> Cause:
    straight = explain.connection(place, seen) is None
    way = "a direct connection works" if straight else "a direct connection fails, too"
    hint = f"add {place.host} to no_proxy" if straight else f"check the proxy, or add {place.host} to no_proxy"
    detail = f"the export goes through {proxy.variable}={proxy.address} and fails; {way} ({problem[:200]})"
    return Cause("proxy", detail, hint)


def _other(problem: str) -> Cause:
    if problem.startswith("DEADLINE_EXCEEDED") or "Timeout" in problem:
        detail = f"the connection is accepted, and there is no response in time ({problem[:200]})"
        return Cause("no_answer", detail, "see the collector's log")
    return Cause("refused", problem[:300], "see the collector's log")
