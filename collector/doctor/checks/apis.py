"""Opens the APIs of the backends and Collectors of one run; context managers own the connections."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from collector.doctor.backends.backend import Backend
from collector.doctor.backends.jaeger import Jaeger
from collector.doctor.backends.local import Local
from collector.doctor.backends.loki import Loki
from collector.doctor.backends.prometheus import Prometheus
from collector.doctor.backends.sentry import URL, Sentry
from collector.doctor.backends.victorialogs import VictoriaLogs
from collector.doctor.checks import otelcol
from collector.doctor.checks.arrival import Asked
from collector.doctor.checks.stack import Known
from collector.doctor.network.api import Api
from collector.doctor.network.place import of_url
from collector.doctor.options import SENTRY_VARIABLES, Options, Target
from collector.local.cli.calling import CERTIFICATE, base_url, client
from collector.local.errors import CollectorError
from collector.local.net.access import token_to_send
from telemetry.errors import TelemetryError
from telemetry.otlp.target import is_loopback

_KINDS: Final[dict[str, Callable[[], Backend]]] = {
    "jaeger": Jaeger,
    "prometheus": Prometheus,
    "victorialogs": VictoriaLogs,
    "loki": Loki,
}
_READ_S: Final = 5.0


@contextmanager
def backends(options: Options, deadline: float) -> Iterator[list[Asked]]:
    """Open all backends. Raises `TelemetryError` for invalid variables."""
    with ExitStack() as opened:
        asked = []
        for name, target in options.targets.items():
            if name == otelcol.NAME:
                continue
            make = _local if name == "api" else _other
            one = make(name, target, options, deadline)
            opened.enter_context(one.api)
            asked.append(one)
        if sentry := _sentry(options, deadline):
            opened.enter_context(sentry.api)
            asked.append(sentry)
        yield asked


def with_stack(targets: Mapping[str, Target], known: Known | None) -> dict[str, Target]:
    """Return the targets, with the addresses of the running stack in place of the defaults."""
    found = known.backends() if known else {}
    return {
        name: Target(found[name], asked=True, named=f"--{name}") if name in found and not target.asked else target
        for name, target in targets.items()
    }


@contextmanager
def collectors(
    options: Options, known: Known | None, endpoint: str, deadline: float
) -> Iterator[list[otelcol.Collector]]:
    """Read the metrics of the Collectors: those of the local stack, or of the one at the endpoint's host."""
    target = options.targets.get(otelcol.NAME)
    pages: dict[str, str] = {}
    if target is not None and target.asked:
        pages = {otelcol.NAME: target.url}
    elif target is not None and known is not None:
        pages = known.collectors()
    elif target is not None and (host := _beside(endpoint)):
        pages = {otelcol.NAME: target.url.replace("127.0.0.1", host)}
    with ExitStack() as opened:
        found = []
        for name, url in pages.items():
            place = of_url(url, f"--{otelcol.NAME}", "--ca", options.ca)
            api = opened.enter_context(Api(url, place, options.headers.get(otelcol.NAME, {}), deadline))
            found.append(otelcol.first_page(name, api, asked=bool(target and target.asked) or known is not None))
        yield found


def _beside(endpoint: str) -> str:
    """The host of an endpoint, if it is this machine or a name in a network of containers."""
    host = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}").hostname or ""
    if is_loopback(endpoint):
        return "127.0.0.1"
    return host if host and not set(".:") & set(host) else ""


def _local(name: str, target: Target, options: Options, deadline: float) -> Asked:
    """The local collector, with the token and certificates of the reading commands' variables."""
    try:
        base, token, calls = base_url(target.url), token_to_send(options.environ), client(_READ_S)
    except CollectorError as error:
        raise TelemetryError(error.message, error.hint) from error
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    authority = options.environ.get(CERTIFICATE, "").strip()
    place = of_url(base, target.named, CERTIFICATE, Path(authority) if authority else None)
    api = Api(base, place, {**headers, **options.headers.get(name, {})}, deadline, calls)
    return Asked(Local(), api, target.asked)


def _other(name: str, target: Target, options: Options, deadline: float) -> Asked:
    place = of_url(target.url, target.named, "--ca", options.ca)
    return Asked(_KINDS[name](), Api(target.url, place, options.headers.get(name, {}), deadline), target.asked)


def _sentry(options: Options, deadline: float) -> Asked | None:
    """Sentry, if its three variables are set; `settings` reports if only some are."""
    values = [options.environ.get(variable, "").strip() for variable in SENTRY_VARIABLES]
    if not all(values):
        return None
    token, organization, project = values
    url = options.environ.get("SENTRY_URL", "").strip().rstrip("/") or URL
    place = of_url(url, "SENTRY_URL", "--ca", options.ca)
    headers = {"Authorization": f"Bearer {token}"}
    return Asked(Sentry(organization, project), Api(url, place, headers, deadline), asked=True)
