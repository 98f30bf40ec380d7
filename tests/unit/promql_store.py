"""A store in memory with metric points, and what PromQL answers from it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from collector.local import promql
from tests.unit.query_store import HandFilledStore

START_S = 1_700_000_000
PROCESS = {"service.name": "gateway", "service.namespace": "pamazon", "service.instance.id": "g1"}


class MetricStore(HandFilledStore):
    """Rows are added by name and value; times are seconds after `START_S`."""

    def __init__(self) -> None:
        super().__init__()
        self._points = 0
        self.insert("scopes", scope_id=1, name="search", attributes="{}")
        self.resource(1, {**PROCESS, "service.version": "1"})

    def resource(self, resource_id: int, attributes: Mapping[str, Any]) -> None:
        self.insert("resources", resource_id=resource_id, attributes=json.dumps(attributes))

    def point(self, name: str, seconds: float, *, attributes: Mapping[str, Any] | None = None, **values: Any) -> int:
        """Add a point, and return its id."""
        self._points += 1
        given = {"type": "gauge", "monotonic": False, "resource_id": 1, "scope_id": 1, "service": "gateway", **values}
        self.insert(
            "metric_points", name=name, point_id=self._points, attributes=json.dumps(attributes or {}),
            time_unix_ns=int((START_S + seconds) * 1000) * 1_000_000, **given,
        )  # fmt: skip
        return self._points

    def counter(self, name: str, values: Sequence[float], *, every: float = 15, **more: Any) -> None:
        """Add the points of a cumulative counter, one every so many seconds."""
        for number, value in enumerate(values):
            self.point(
                name, number * every, type="sum", monotonic=True, temporality="cumulative", double_value=value, **more
            )

    def ask(self, query: str, seconds: float) -> dict[str, float]:
        """The values of a query's series at a time, by their labels but those of a process."""
        data = promql.instant(self.connection, query, int((START_S + seconds) * 1000))
        if data["resultType"] == "scalar":
            return {"": float(data["result"][1])}
        return {_written(each["metric"]): float(each["value"][1]) for each in data["result"]}

    def over(self, query: str, seconds: float, step: float) -> dict[str, list[float]]:
        """The values of a query's series from the start on, by their labels."""
        data = promql.over_range(
            self.connection, query, START_S * 1000, int((START_S + seconds) * 1000), int(step * 1000)
        )
        return {_written(each["metric"]): [float(value) for _, value in each["values"]] for each in data["result"]}


def _written(labels: Mapping[str, str]) -> str:
    hidden = {"__name__", "job", "instance", "otel_scope_name"}
    return ",".join(f"{name}={value}" for name, value in sorted(labels.items()) if name not in hidden)
