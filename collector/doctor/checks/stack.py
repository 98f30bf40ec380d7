"""The running stack on this machine: the addresses of its backends and Collectors, and whether each program is ready.

Only a stack that services send to counts: an endpoint on this machine, at a port of one of its Collectors.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from collector.doctor.finding import Cause, Finding, failed, ok
from collector.stack import state
from collector.stack.errors import StackError
from collector.stack.profiles import programs_of
from collector.stack.programs.program import Place
from telemetry.otlp.target import is_loopback

CHECK: Final = "stack"
_APIS: Final = (("jaeger", "query"), ("prometheus", "web"), ("victorialogs", "http"))


@dataclass(frozen=True, slots=True)
class Known:
    """A running stack."""

    profile: str
    place: Place

    def backends(self) -> dict[str, str]:
        """From a backend's name to the URL of its API."""
        return {name: f"http://{self.place.address(name, use)}" for name, use in _APIS if self._has(name, use)}

    def collectors(self) -> dict[str, str]:
        """From a Collector's name to the URL of its metrics; the one that services send to comes first."""
        names = sorted(self.place.having("otlp_grpc"), key=lambda name: name.startswith("gateway"))
        return {name: f"http://{self.place.address(name, 'metrics')}" for name in names}

    def examine(self) -> Finding:
        """Check whether all programs are ready, as `telemetry stack status` does."""
        programs = programs_of(self.profile)
        away = [program.name for program in programs if not program.is_ready(self.place)]
        if not away:
            return ok(CHECK, f"all {len(programs)} programs of the profile {self.profile} are ready")
        logs = self.place.data / "logs" / f"{away[0]}.log"
        detail = f"{', '.join(away)} of the profile {self.profile} {'does' if len(away) == 1 else 'do'} not respond"
        again = f"telemetry stack down; telemetry stack up --profile {self.profile}"
        return failed(CHECK, Cause("not_ready", detail, f"see {logs}, then restart the stack: {again}"))

    def _has(self, name: str, use: str) -> bool:
        return f"{name}.{use}" in self.place.ports


def running(endpoints: Iterable[str], data: Path | None) -> Known | None:
    """Return the stack in a folder if it is ready, services send to it, and it is of this version; else None."""
    data = data or state.default_data()
    stack = None if state.holder(data) is None else state.read(data)
    if stack is None or not any(_leads_to(endpoint, stack["ports"]) for endpoint in endpoints):
        return None
    try:
        wanted = {f"{program.name}.{port.use}" for program in programs_of(stack["profile"]) for port in program.ports}
    except StackError:
        return None
    return Known(stack["profile"], Place(stack["ports"], data)) if wanted <= stack["ports"].keys() else None


def _leads_to(endpoint: str, ports: Mapping[str, int]) -> bool:
    taken = {port for key, port in ports.items() if key.rpartition(".")[2] in {"otlp_grpc", "otlp_http"}}
    parts = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}")
    return is_loopback(endpoint) and parts.port in taken
