"""Prometheus, by its HTTP API: the metric, and the state of its targets."""

import re
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from collector.doctor.finding import Cause, Finding, failed, ok, skipped
from collector.doctor.network.api import Api, TroubleError
from collector.doctor.samples import Marked
from telemetry import conventions as c
from telemetry.conventions import Signal
from telemetry.prometheus.names import label_name

CHECK: Final = "prometheus targets"
_SHOWN: Final = 3
"""Targets in a line, at most."""
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


class Prometheus:
    """Stores metrics, which it scrapes."""

    name = "prometheus"
    holds: tuple[Signal, ...] = ("metrics",)

    def identify(self, api: Api) -> None:
        """By the status in its responses."""
        build = api.get("/api/v1/status/buildinfo")
        if not isinstance(build, dict) or build.get("status") != "success":
            raise TroubleError(Cause("foreign", f"{api.base} is not Prometheus", f"correct {api.place.named}"))

    def find(self, api: Api, signal: Signal, marked: Marked) -> str | None:  # noqa: ARG002 (a Backend's)
        """By the mark only: name and suffixes depend on the translation; without one, the dot is kept."""
        dotted = c.SEARCH_DOCTOR.name
        queries = (f'{{{label}="{marked.mark}"}}' for label in (label_name(dotted), f'"{dotted}"'))
        found = next((series for query in queries if (series := _series(api, query))), ())
        return f"is {found[0]['metric'].get('__name__', 'a series')}" if found else None

    def missing(self, api: Api, signal: Signal) -> Cause:  # noqa: ARG002 (a Backend's)
        """Metrics wait in the Collector until they are scraped; see the targets."""
        hint = "let Prometheus scrape the Collector's port 8889; is the Collector's layer prometheus loaded?"
        targets = active_targets(api)
        if not targets:
            return Cause("not_scraped", "was accepted by the endpoint; Prometheus has no targets", hint)
        if broken := _broken(targets, api):
            return Cause(broken.code, f"was accepted by the endpoint, and not scraped: {broken.detail}", broken.hint)
        detail = f"was accepted by the endpoint, and none of the {len(targets)} targets of Prometheus has it"
        return Cause("not_scraped", detail, hint)

    def more(self, api: Api, *, arrived: bool) -> list[Finding]:
        """Whether every target can be scraped. If our metric arrived, a broken target is not a failure."""
        targets = active_targets(api)
        if broken := _broken(targets, api):
            return [skipped(CHECK, broken) if arrived else failed(CHECK, broken)]
        if not targets:
            hint = "see scrape_configs; the Collector's metrics are at its port 8889"
            cause = Cause("not_scraped", "there are no targets", hint)
            return [skipped(CHECK, cause) if arrived else failed(CHECK, cause)]
        return [ok(CHECK, f"all {len(targets)} are up")]


def _series(api: Api, query: str) -> Sequence[dict[str, Any]]:
    """The series of a query; none if it is invalid, as names with dots before Prometheus 3."""
    try:
        found: Sequence[dict[str, Any]] = api.get("/api/v1/query", query=query)["data"]["result"]
    except TroubleError as trouble:
        if trouble.status == 400:
            return ()
        raise
    return found


def active_targets(api: Api) -> Sequence[dict[str, Any]]:
    """Return its active targets, as in its API. Raises `TroubleError`."""
    targets: Sequence[dict[str, Any]] = api.get("/api/v1/targets", state="active")["data"]["activeTargets"]
    return targets


def _broken(targets: Sequence[dict[str, Any]], api: Api) -> Cause | None:
    """The targets that are down, else those whose last scrape is too old."""
    if down := [target for target in targets if target["health"] == "down"]:
        parts = [f"{target['scrapeUrl']} ({target['lastError']})" for target in down]
        hint = "start what is down, or correct its address in Prometheus' targets"
        return Cause("target_down", f"{len(down)} of {len(targets)} targets are down: {_some(parts)}", hint)
    now = time.time() + (api.clock[0] if api.clock else 0.0)
    ages = {target["scrapeUrl"]: (_age(target, now), _patience(target)) for target in targets}
    if old := [f"{url} ({age:.0f} s ago)" for url, (age, patience) in ages.items() if age > patience]:
        detail = f"{len(old)} of {len(targets)} targets have an old scrape: {_some(old)}"
        return Cause("scrape_old", detail, "see Prometheus' log and load")
    return None


def _some(words: Sequence[str]) -> str:
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return ", ".join(words[:_SHOWN]) + more


def _age(target: dict[str, Any], now: float) -> float:
    """Seconds since the last scrape; 0 before the first, whose time is in the year 1."""
    when = datetime.fromisoformat(re.sub(r"(\.\d{6})\d*", r"\1", target["lastScrape"]))
    return now - when.timestamp() if when.year > 1 else 0.0


def _patience(target: dict[str, Any]) -> float:
    """Seconds after which a scrape is old: three were missed, and one may be in progress."""
    parts = re.findall(r"(\d+)(ms|[smhd])", target.get("scrapeInterval", "1m"))
    return 4 * sum(int(number) * _UNITS[unit] for number, unit in parts) + 5.0
