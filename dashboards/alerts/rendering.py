"""Writes rules as Prometheus reads them: a YAML file for each group.

In: the groups of `slo` and `symptoms`, a `Scale`. Out: texts by the names of their files. State: none. It needs this
project's development packages; what it has written needs none.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import promql_parser
import yaml

from dashboards.alerts import slo
from dashboards.alerts.rule import Alert, Group, Record
from dashboards.alerts.symptoms import EVERY
from dashboards.alerts.windows import SHIPPED, Scale

_HEAD: Final = (
    "# Generated from dashboards/alerts by `telemetry dashboards build`: do not edit. Explained in docs/alerts.md.\n"
)
_BOARDS: Final = "{{ $externalLabels.boards_url }}"
_RUNBOOKS: Final = "{{ with $externalLabels.runbooks_url }}{{ . }}/{{ end }}"
"""Where both are, by Prometheus' external labels: rules cannot read variables. Without them, the links are paths."""
_WIDTH: Final = 1_000
"""Characters of a line: an annotation stays on one, with its templates."""


def groups(scale: Scale = SHIPPED) -> tuple[Group, ...]:
    """Return all groups of rules."""
    return (*slo.groups(scale), *(make(scale) for make in EVERY))


def alerts(scale: Scale = SHIPPED) -> tuple[Alert, ...]:
    """Return all alerts."""
    return tuple(alert for group in groups(scale) for alert in group.alerts)


def texts(scale: Scale = SHIPPED) -> Mapping[str, str]:
    """Return the files below `rules/`: their texts by their names."""
    return {f"{group.name}.yml": text(group) for group in groups(scale)}


def write(folder: Path, scale: Scale = SHIPPED) -> None:
    """Write all files to a folder, for a Prometheus of a test with shorter windows."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in texts(scale).items():
        (folder / name).write_text(content, encoding="utf-8")


def text(group: Group) -> str:
    """Return the file of a group."""
    document = {"name": group.name, "interval": group.interval, "rules": [_rule(rule) for rule in group.rules]}
    return _HEAD + yaml.dump({"groups": [document]}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)


def _rule(rule: Record | Alert) -> dict[str, Any]:
    expr = promql_parser.parse(rule.expr).prettify()
    if isinstance(rule, Record):
        labels = {"labels": dict(rule.labels)} if rule.labels else {}
        return {"record": rule.name, "expr": expr, **labels}
    annotations = {
        "summary": rule.summary, "description": rule.description,
        "dashboard_url": _BOARDS + rule.dashboard, "runbook_url": _RUNBOOKS + rule.runbook,
    }  # fmt: skip
    pending = {} if rule.pending == "0s" else {"for": rule.pending}
    kept = {} if rule.kept == "0s" else {"keep_firing_for": rule.kept}
    return {
        "alert": rule.name,
        "expr": expr,
        **pending,
        **kept,
        "labels": dict(rule.labels),
        "annotations": annotations,
    }


class _Dumper(yaml.SafeDumper):
    """Writes expressions of several lines as blocks."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)
