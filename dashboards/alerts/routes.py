"""Alertmanager's file: who is notified of what, and which alerts are inhibited because another one has their cause.

In: nothing. Out: YAML, with a webhook and without. State: none.

Alertmanager reads no variables. With a webhook its address is in a file `webhook-url` of the folder that Alertmanager
runs in, which it reads at each message. Without one, every alert has the receiver `nobody`, as its page shows.
"""

from dataclasses import dataclass
from typing import Any, Final

import yaml

from dashboards.alerts.rule import Severity
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
        wait: Alertmanager's `group_wait`, for further alerts of the same cause.
        interval: its `group_interval`, between messages about one group.
        repeat: its `repeat_interval`, until what still fires is sent again.
    """

    severity: Severity
    wait: str
    interval: str
    repeat: str


ROUTES: Final = (
    Route("page", "10s", "1m", "1h"),
    Route("ticket", "1m", "10m", "1d"),
)


@dataclass(frozen=True, slots=True)
class Inhibition:
    """Alerts that are not sent while another one fires.

    Attributes:
        why: a sentence for the file.
        source: matchers of the other one.
        target: matchers of those that are not sent.
        equal: labels that must have the same values in both.
    """

    why: str
    source: tuple[str, ...]
    target: tuple[str, ...]
    equal: tuple[str, ...] = ()


INHIBITIONS: Final = (
    Inhibition(
        "Without a Collector every service is silent.",
        ('alertname="SearchCollectorDown"',),
        ('alertname="SearchTelemetrySilent"',),
    ),
    Inhibition(
        "A Collector that is down does not answer at its other port either.",
        ('alertname="SearchCollectorDown"',),
        ('alertname="SearchTargetDown"',),
        ("collector",),
    ),
    Inhibition(
        "Nothing else is known of a service that exports nothing.",
        ('alertname="SearchTelemetrySilent"',),
        ('severity="ticket"',),
        ("job",),
    ),
    Inhibition(
        "A budget that is spent in hours is also spent in days.",
        ('severity="page"',),
        ('severity="ticket"',),
        ("alertname", "slo", "job", "search_operation"),
    ),
    Inhibition(
        "What fails is often slow as well.",
        ('alertname="SearchErrorBudgetBurns"', 'severity="page"'),
        ('alertname="SearchLatencyBudgetBurns"',),
        ("flow", "search_operation"),
    ),
    Inhibition(
        "What is slow at the server is slow at the client.",
        ('slo="latency_server"', 'severity="page"'),
        ('slo="latency_client"',),
        ("flow", "search_operation"),
    ),
    Inhibition(
        "Tasks wait because the pool is full.",
        ('alertname="SearchPoolSaturated"',),
        ('alertname="SearchQueueWait"',),
        ("job", "search_stage"),
    ),
    Inhibition(
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
        "group_wait": scale(route.wait),
        "group_interval": scale(route.interval),
        "repeat_interval": scale(route.repeat),
    }


def _inhibition() -> str:
    """Return the rules, each with its reason above it."""
    rules = []
    for inhibition in INHIBITIONS:
        rule: dict[str, Any] = {
            "source_matchers": list(inhibition.source), "target_matchers": list(inhibition.target)
        }  # fmt: skip
        if inhibition.equal:
            rule["equal"] = list(inhibition.equal)
        indented = "".join(f"  {line}\n" for line in _yaml([rule]).splitlines())
        rules.append(f"  # {inhibition.why}\n{indented}")
    return "".join(rules)


def _yaml(document: Any) -> str:
    return str(yaml.safe_dump(document, sort_keys=False, width=1_000))
