"""Alertmanager's file: who is called for what, and which alerts are kept back because another one has their cause.

In: nothing. Out: YAML, with a webhook and without. State: none.

Alertmanager reads no variables. With a webhook its address is in a file `webhook-url` of the folder that Alertmanager
runs in, which it reads at each message. Without one, every alert has the receiver `nobody`, as its page shows.
"""

from dataclasses import dataclass
from typing import Any, Final

import yaml

from dashboards.alerts.windows import SHIPPED, Scale

_HEAD: Final = """\
# Generated from dashboards/alerts by `telemetry dashboards build`: do not edit. Explained in docs/alerts.md.
# {}
"""
_WITH: Final = "Messages go to the address in the file webhook-url of the folder that Alertmanager runs in."
_WITHOUT: Final = "Nothing is sent: alerts are shown on Alertmanager's page. alertmanager-webhook.yml sends them."

URL_FILE: Final = "webhook-url"
NOBODY: Final = "nobody"


@dataclass(frozen=True, slots=True)
class Route:
    """How alerts of one severity are sent.

    Attributes:
        severity: also the name of its receiver, which each message has.
        waits: for further alerts of the same cause.
        again: how long until what still fires is sent again.
    """

    severity: str
    waits: str
    interval: str
    again: str


ROUTES: Final = (
    Route("page", "10s", "1m", "1h"),
    Route("ticket", "1m", "10m", "1d"),
)
"""`info` is sent to nobody."""


@dataclass(frozen=True, slots=True)
class KeptBack:
    """Alerts that are not sent while another one fires.

    Attributes:
        why: a sentence for the file.
        cause: matchers of the other one.
        kept: matchers of those that are kept back.
        equal: labels that both have alike.
    """

    why: str
    cause: tuple[str, ...]
    kept: tuple[str, ...]
    equal: tuple[str, ...] = ()


KEPT_BACK: Final = (
    KeptBack(
        "Without a Collector every service is silent.",
        ('alertname="SearchCollectorDown"',),
        ('alertname="SearchTelemetrySilent"',),
    ),
    KeptBack(
        "A Collector that is down does not answer on its other port either.",
        ('alertname="SearchCollectorDown"',),
        ('alertname="SearchTargetDown"',),
        ("collector",),
    ),
    KeptBack(
        "Of a service that is silent nothing else is known.",
        ('alertname="SearchTelemetrySilent"',),
        ('severity="ticket"',),
        ("job",),
    ),
    KeptBack(
        "A budget that is spent in hours is also spent in days.",
        ('severity="page"',),
        ('severity="ticket"',),
        ("alertname", "slo", "job", "search_operation"),
    ),
    KeptBack(
        "What fails is often slow as well.",
        ('alertname="SearchErrorBudgetBurns"', 'severity="page"'),
        ('alertname="SearchLatencyBudgetBurns"',),
        ("flow", "search_operation"),
    ),
    KeptBack(
        "What is slow at the server is slow at the client.",
        ('slo="latency_server"', 'severity="page"'),
        ('slo="latency_client"',),
        ("flow", "search_operation"),
    ),
    KeptBack(
        "A full pool is why tasks wait for it.",
        ('alertname="SearchPoolSaturated"',),
        ('alertname="SearchQueueWait"',),
        ("job", "search_stage"),
    ),
    KeptBack(
        "One slow version or process makes the mean of its stage slow.",
        ('alertname=~"SearchVersionSlower|SearchReplicaSlower"',),
        ('alertname="SearchStageSlower"',),
        ("job", "search_stage"),
    ),
)


def text(*, webhook: bool, scale: Scale = SHIPPED) -> str:
    """Return the file; with `webhook` it sends, without it shows. A test divides its waits by a `scale`."""
    receivers = [{"name": NOBODY}, *({"name": route.severity, **_webhook()} for route in ROUTES if webhook)]
    root: dict[str, Any] = {"receiver": NOBODY, "group_by": ["alertname", "flow", "job"]}
    if webhook:
        root["routes"] = [_route(route, scale) for route in ROUTES]
    parts = ({"route": root}, {"receivers": receivers})
    return (
        _HEAD.format(_WITH if webhook else _WITHOUT)
        + "\n".join(map(_yaml, parts))
        + f"\ninhibit_rules:\n{_inhibition()}"
    )


def _webhook() -> dict[str, Any]:
    return {"webhook_configs": [{"url_file": URL_FILE, "send_resolved": True, "timeout": "10s"}]}


def _route(route: Route, scale: Scale) -> dict[str, Any]:
    return {
        "matchers": [f'severity="{route.severity}"'],
        "receiver": route.severity,
        "group_wait": scale(route.waits),
        "group_interval": scale(route.interval),
        "repeat_interval": scale(route.again),
    }


def _inhibition() -> str:
    """Return the rules, each with its reason above it."""
    rules = []
    for kept in KEPT_BACK:
        rule: dict[str, Any] = {"source_matchers": list(kept.cause), "target_matchers": list(kept.kept)}
        if kept.equal:
            rule["equal"] = list(kept.equal)
        indented = "".join(f"  {line}\n" for line in _yaml([rule]).splitlines())
        rules.append(f"  # {kept.why}\n{indented}")
    return "".join(rules)


def _yaml(document: Any) -> str:
    return str(yaml.safe_dump(document, sort_keys=False, width=1_000))
