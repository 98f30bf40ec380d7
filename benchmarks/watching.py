"""Watches Pamazon by the real stack, with rules whose windows are divided: which alerts fire during which incident?

In: a folder, the load. Out: the running stack and flow; for each stretch the alerts that fired. State: the processes,
which end with their block, and what Prometheus has stored, which `Watching.forget` deletes.
"""

import contextlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from benchmarks.incident_recording import under_load
from collector.stack.profiles import programs_of
from collector.stack.programs.program import Place
from collector.stack.programs.prometheus import FILE, Prometheus
from collector.stack.stack import Stack
from dashboards.alerts import rendering
from dashboards.alerts.windows import Scale
from demo_flow.incidents.client import IncidentsClient

DIVISOR: Final = 20
"""Divides all windows: an hour is three minutes."""
SCRAPED: Final = "2s"
"""Time between two scrapes: five seconds divided, but enough for an answer of a busy machine."""
_ASKED: Final = 0.5
"""Seconds between two questions, which alerts fire."""
_NAME: Final = "prometheus"


@dataclass(frozen=True, slots=True)
class Fired:
    """An alert that fired, `after` seconds: its labels without its name, and its annotations."""

    name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    after: float

    @property
    def severity(self) -> str:
        """`page` or `ticket`."""
        return self.labels["severity"]

    @property
    def at_fault(self) -> Mapping[str, str]:
        """The labels that say where."""
        return {key: value for key, value in self.labels.items() if key not in {"severity", "flow"}}


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was watched: an incident, or None, from Unix time to Unix time, and the alerts that fired."""

    incident: str | None
    begin: float
    end: float
    fired: Sequence[Fired]

    @property
    def names(self) -> set[str]:
        """The alerts that fired."""
        return {fired.name for fired in self.fired}


class WatchfulPrometheus(Prometheus):
    """Prometheus with all our rules, their windows divided; it scrapes every two seconds.

    Arguments: `more`, addresses of further targets, by job.
    """

    def __init__(self, more: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._more = dict(more or {})

    def prepare(self, place: Place) -> None:
        """Write copies of the configuration and the rules, changed; the program itself would link the originals."""
        folder = place.folder(self.name)
        _remove(folder / "rules")
        super().prepare(place)
        config = yaml.safe_load(FILE.read_text(encoding="utf-8"))
        config["global"] = {"scrape_interval": SCRAPED, "scrape_timeout": SCRAPED, "evaluation_interval": SCRAPED}
        (folder / FILE.name).unlink()
        (folder / FILE.name).write_text(yaml.safe_dump(config), encoding="utf-8")
        _remove(folder / "rules")
        rendering.write(folder / "rules", Scale(DIVISOR))
        targets = json.loads((folder / "targets.json").read_text(encoding="utf-8"))
        targets += [{"targets": [to], "labels": {"__role__": "own", "job": job}} for job, to in self._more.items()]
        (folder / "targets.json").write_text(json.dumps(targets), encoding="utf-8")


def _key(alert: Mapping[str, Any]) -> str:
    return json.dumps(alert["labels"], sort_keys=True)


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


@dataclass(frozen=True, slots=True)
class Watching:
    """The running stack, and the flow's gateway."""

    stack: Stack
    gateway: str
    folder: Path

    def query(self, expression: str) -> list[tuple[Mapping[str, str], float]]:
        """Return what an expression gives now: labels and value of each series."""
        rows = self._ask("query", query=expression)["result"]
        return [(row["metric"], float(row["value"][1])) for row in rows]

    def query_range(self, expression: str, begin: float, end: float, step: float) -> list[list[float]]:
        """Return the values that each series of an expression had in a time."""
        rows = self._ask("query_range", query=expression, start=str(begin), end=str(end), step=str(step))["result"]
        return [[float(value) for _, value in row["values"]] for row in rows]

    def exemplars(self, expression: str, begin: float, end: float) -> list[Mapping[str, str]]:
        """Return the labels of the exemplars that an expression's series had in a time."""
        rows = self._ask("query_exemplars", query=expression, start=str(begin), end=str(end))
        return [exemplar["labels"] for row in rows for exemplar in row["exemplars"]]

    def firing(self) -> list[Mapping[str, Any]]:
        """Return the alerts that fire now, as Prometheus describes them."""
        return [alert for alert in self._ask("alerts")["alerts"] if alert["state"] == "firing"]

    def watch(
        self, incident: str | None, seconds: float, *, then: Callable[[Stretch], None] = lambda _: None
    ) -> Stretch:  # fmt: skip
        """Start an incident, or none, watch for so many seconds, and return the alerts that fired.

        An alert that fires already when the incident begins is not counted. `then` is called while the incident still
        lasts, for a minute at most.
        """
        with IncidentsClient(self.gateway) as client:
            if incident is not None:
                client.start(incident, seconds + 60)
            try:
                stretch = self._watch(incident, seconds)
                then(stretch)
                return stretch
            finally:
                client.stop()

    def _watch(self, incident: str | None, seconds: float) -> Stretch:
        begin, began = time.time(), time.monotonic()
        before = {_key(alert) for alert in self.firing()} if incident else set()
        found: dict[str, Fired] = {}
        while time.monotonic() < began + seconds:
            for alert in self.firing():
                labels = dict(alert["labels"])
                name = labels.pop("alertname")
                fired = Fired(name, labels, alert["annotations"], time.monotonic() - began)
                found.setdefault(_key(alert), fired)
            time.sleep(_ASKED)
        new = tuple(fired for key, fired in found.items() if key not in before)
        return Stretch(incident, begin, time.time(), new)

    def forget(self) -> None:
        """Start Prometheus again, with nothing stored: what happened before is in no window any more."""
        self.stack.stop(_NAME)
        shutil.rmtree(self.folder / _NAME / "series")
        self.stack.start(_NAME)
        self.stack.await_ready(_NAME)
        self.await_searches()

    def await_searches(self, limit: float = 60.0) -> None:
        """Wait until Prometheus counts searches at every client and on every critical path.

        Raises:
            TimeoutError: it counts none in time.
        """
        deadline = time.monotonic() + limit
        asked = "rate(search_transit_duration_seconds_count[10s]) > 0 and on () search_client_duration_seconds_count"
        while not self.query(asked):
            if time.monotonic() > deadline:
                raise TimeoutError(f"No search is in Prometheus after {limit:g} s: see the logs in {self.folder}.")
            time.sleep(_ASKED)

    def _ask(self, path: str, **parameters: str) -> Any:
        url = self.stack.url(f"{_NAME}.web", f"/api/v1/{path}")
        asked = httpx.post(url, data=parameters, timeout=30) if parameters else httpx.get(url, timeout=30)
        body = asked.json()
        if body["status"] != "success":
            raise ValueError(f"{body['error']}: {parameters.get('query', path)}")
        return body["data"]


@contextlib.contextmanager
def watching(
    folder: Path,
    *,
    goods: int = 500,
    rate: float = 16.0,
    index_rate: float = 1.0,
    more: Mapping[str, str] | None = None,
) -> Iterator[Watching]:
    """Run the profile `full`, and Pamazon under load, until the block ends; `more` are further targets by job."""
    programs = [
        WatchfulPrometheus(more) if program.name == _NAME else program for program in programs_of("full")
    ]  # fmt: skip
    environment = {"OTEL_METRIC_EXPORT_INTERVAL": "1000"}
    with Stack(programs, data_dir=folder / "stack", environment=environment) as stack:
        otlp = stack.address("collector.otlp_grpc")
        with under_load(folder, otlp, goods=goods, rate=rate, index_rate=index_rate) as gateway:
            watched = Watching(stack, gateway, folder / "stack")
            watched.await_searches()
            yield watched
