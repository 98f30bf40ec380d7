"""Distinguishes a backend that is down from one that is not configured.

In both cases nothing listens at the default port. It is a failure if a Collector has an exporter with the backend's
name, or if our stack's Prometheus, which scrapes each backend as a job of its name (collector/stack/config/prometheus),
cannot reach it.
"""

import re
import time
from collections.abc import Collection, Sequence
from typing import Any, Final

from collector.doctor.backends.prometheus import CHECK, Prometheus, active_targets
from collector.doctor.checks.arrival import SHAPES, Asked
from collector.doctor.finding import Cause, Finding, failed
from collector.doctor.network.api import Api, TroubleError

_START: Final = "start it (telemetry stack up), or set {} to its address, or none"
_METRIC: Final = "prometheus: metric"
_NEXT_SCRAPE: Final = 6.0
"""Seconds in which our stack's Prometheus scrapes everything once: until then a dead backend is still up in its
list."""


def reconsider(findings: list[Finding], asked: Sequence[Asked], exporters: Collection[str]) -> list[Finding]:
    """Return the findings, with a failure for each backend that is configured elsewhere, and is down.

    Arguments: `exporters`, the names of the exporters of the Collectors on the way.
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
    except (TroubleError, *SHAPES):  # its own findings report that
        return findings
    dead = {name: failed(name, _cause(away[name].api, down[name])) for name in down}
    return [dead.get(finding.check, finding) for finding in findings]


def _down(api: Api, jobs: set[str]) -> dict[str, dict[str, Any]]:
    """Return a target of each job whose targets are all down, once everything was scraped again."""
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
