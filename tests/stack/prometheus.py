"""Reads metrics: from Prometheus, and from the page on which a Collector reports of itself."""

import time
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from prometheus_client.parser import text_string_to_metric_families

from collector.stack.stack import Stack
from tests.stack.asking import get


def query(stack: Stack, expression: str) -> list[tuple[Mapping[str, str], float]]:
    """What an expression gives now: labels and value of each series."""
    answer = get(stack.url("prometheus.web", "/api/v1/query?" + urlencode({"query": expression})))
    return [(row["metric"], float(row["value"][1])) for row in answer["data"]["result"]]


def total(stack: Stack, selector: str) -> float:
    """The sum of the series that a selector finds; 0 where it finds none."""
    return sum(value for _, value in query(stack, f"sum({selector})"))


def exemplars(stack: Stack, selector: str) -> list[Mapping[str, Any]]:
    """The labels and values of the exemplars of the last ten minutes."""
    now = time.time()
    asked = urlencode({"query": selector, "start": now - 600, "end": now + 60})
    answer = get(stack.url("prometheus.web", f"/api/v1/query_exemplars?{asked}"))
    return [exemplar for series in answer["data"] for exemplar in series["exemplars"]]


def own(stack: Stack, collector: str, name: str, **labels: str) -> float:
    """The sum of a metric of a Collector's own, asked of it directly: no scrape to wait for. 0 where there is none.

    A counter's name ends in `_total` here: the parser adds what the page leaves out.
    """
    with urllib.request.urlopen(stack.url(f"{collector}.metrics", "/metrics"), timeout=10) as answer:
        families = text_string_to_metric_families(answer.read().decode())
        samples = [sample for family in families for sample in family.samples]
    return sum(s.value for s in samples if s.name == name and labels.items() <= s.labels.items())
