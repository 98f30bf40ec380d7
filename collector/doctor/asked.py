"""Which backends are asked, each by its API.

In: options. Out: backends with open connections, for one run. State: the connections, owned by the context manager.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from collector.doctor.arrival import Asked
from collector.doctor.asking import Api
from collector.doctor.backends.backend import Backend
from collector.doctor.backends.jaeger import Jaeger
from collector.doctor.backends.local import Local
from collector.doctor.backends.loki import Loki
from collector.doctor.backends.prometheus import Prometheus
from collector.doctor.backends.sentry import URL, Sentry
from collector.doctor.backends.victorialogs import VictoriaLogs
from collector.doctor.options import SENTRY_VARIABLES, Options, Target
from collector.doctor.place import of_url
from collector.local.auth import token_to_send
from collector.local.calling import CERTIFICATE, base_url, client
from collector.local.errors import CollectorError
from telemetry.errors import TelemetryError

_KINDS: Final[dict[str, Callable[[], Backend]]] = {
    "jaeger": Jaeger,
    "prometheus": Prometheus,
    "victorialogs": VictoriaLogs,
    "loki": Loki,
}
_READ_S: Final = 5.0


@contextmanager
def backends(options: Options, deadline: float) -> Iterator[list[Asked]]:
    """Open them all. Raises `TelemetryError` for variables that cannot be."""
    with ExitStack() as opened:
        asked = []
        for name, target in options.targets.items():
            make = _local if name == "api" else _other
            one = make(name, target, options, deadline)
            opened.enter_context(one.api)
            asked.append(one)
        if sentry := _sentry(options, deadline):
            opened.enter_context(sentry.api)
            asked.append(sentry)
        yield asked


def _local(name: str, target: Target, options: Options, deadline: float) -> Asked:
    """The local collector is called as the reading commands call it: token and certificates by their variables."""
    try:
        base, token, calls = base_url(target.url), token_to_send(options.environ), client(_READ_S)
    except CollectorError as error:
        raise TelemetryError(error.message, error.mend) from error
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    authority = options.environ.get(CERTIFICATE, "").strip()
    place = of_url(base, target.named, CERTIFICATE, Path(authority) if authority else None)
    api = Api(base, place, {**headers, **options.headers.get(name, {})}, deadline, calls)
    return Asked(Local(), api, target.asked)


def _other(name: str, target: Target, options: Options, deadline: float) -> Asked:
    place = of_url(target.url, target.named, "--ca", options.ca)
    return Asked(_KINDS[name](), Api(target.url, place, options.headers.get(name, {}), deadline), target.asked)


def _sentry(options: Options, deadline: float) -> Asked | None:
    """Sentry is asked where its three variables are set; where some are, `notes` says so."""
    values = [options.environ.get(variable, "").strip() for variable in SENTRY_VARIABLES]
    if not all(values):
        return None
    token, organization, project = values
    url = options.environ.get("SENTRY_URL", "").strip().rstrip("/") or URL
    place = of_url(url, "SENTRY_URL", "--ca", options.ca)
    headers = {"Authorization": f"Bearer {token}"}
    return Asked(Sentry(organization, project), Api(url, place, headers, deadline), asked=True)
