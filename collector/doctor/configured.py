"""Tells a backend that has died from one that nobody has.

In: what was found; the backends; exporters of Collectors. Out: the same findings, but for guessed backends that were
not there, and that a Collector sends to, or that Prometheus knows and cannot reach: they are failures. State: none.

A guessed port where nothing listens looks the same in both cases. An exporter that is named after a backend says that
there should be one; so does our stack's Prometheus, which scrapes the other backends, each as a job of its name
(collector/stack/config/prometheus).
"""

import re
import time
from collections.abc import Collection, Sequence
from typing import Any, Final

from collector.doctor.arrival import SHAPES, Asked
from collector.doctor.asking import Api, TroubleError
from collector.doctor.backends.prometheus import CHECK, Prometheus, active_targets
from collector.doctor.finding import Cause, Finding, failed

_START: Final = "start it (telemetry stack up), or say with {} where it is, or none"
_METRIC: Final = "prometheus: metric"
_NEXT_SCRAPE: Final = 6.0
"""Seconds in which our stack's Prometheus scrapes everything once: who died just now is still up in its list."""


def reconsider(findings: list[Finding], asked: Sequence[Asked], exporters: Collection[str]) -> list[Finding]:
    """Return the findings, with a failure for each guessed backend that should be there, and is not.

    Arguments: `exporters`, of the Collectors on the way, by their names.
    """
    codes = {finding.check: finding.code for finding in findings}
    away = {one.backend.name: one for one in asked if codes.get(one.backend.name) == "not_configured"}
    sent_to = {name: exporter for name in away for exporter in exporters if name in re.split(r"[/_-]", exporter)}
    dead = {name: failed(name, _sent_to(away[name].api, exporter)) for name, exporter in sent_to.items()}
    findings = [dead.get(finding.check, finding) for finding in findings]
    away = {name: one for name, one in away.items() if name not in dead}
    source = next((one.api for one in asked if isinstance(one.backend, Prometheus)), None)
    if not away or source is None or CHECK not in codes or codes.get(_METRIC) == "elsewhere":
        return findings
    try:
        down = _down(source, set(away))
    except (TroubleError, *SHAPES):  # what it answers otherwise is told in its own lines
        return findings
    dead = {name: failed(name, _cause(away[name].api, down[name])) for name in down}
    return [dead.get(finding.check, finding) for finding in findings]


def _down(api: Api, jobs: set[str]) -> dict[str, dict[str, Any]]:
    """Return a target of each job that has some, all of them down, once everything was scraped anew."""
    targets = _of(api, jobs)
    before = {target["scrapeUrl"]: target["lastScrape"] for target in targets if target["health"] != "down"}
    until = time.monotonic() + _NEXT_SCRAPE
    while any(before.get(target["scrapeUrl"]) == target["lastScrape"] for target in targets):
        if time.monotonic() > until or not api.rest():
            break
        targets = _of(api, jobs)
    reached = {target["labels"]["job"] for target in targets if target["health"] != "down"}
    return {job: target for target in targets if (job := target["labels"]["job"]) not in reached}


def _of(api: Api, jobs: set[str]) -> list[dict[str, Any]]:
    return [target for target in active_targets(api) if target["labels"].get("job") in jobs]


def _sent_to(api: Api, exporter: str) -> Cause:
    detail = f"is not at {api.place.address}, and the Collector sends to it by {exporter}"
    return Cause("nothing_listens", detail, _START.format(api.place.named))


def _cause(api: Api, target: dict[str, Any]) -> Cause:
    detail = (
        f"is not at {api.place.address}, and Prometheus, which should scrape it, does not reach it: "
        f"{target['scrapeUrl']} ({target['lastError']})"
    )
    return Cause("target_down", detail, _START.format(api.place.named))
