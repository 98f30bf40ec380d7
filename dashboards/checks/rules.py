"""Whether rules ask for series that there are, and alerts name labels that they have.

In: the rules of `dashboards/alerts`. Out: what is wrong, and the labels of the series that they record. State: none.
"""

import re
from functools import cache
from typing import Final

from dashboards.alerts.rendering import groups
from dashboards.alerts.rule import Alert, Record
from dashboards.checks import known
from dashboards.checks.promql import Series, read

_PLACE: Final = re.compile(r"\$labels\.(\w+)")


@cache
def series() -> Series:
    """Return the labels of every series that a board may ask for: scraped, or recorded by a rule."""
    return _read()[0]


def lint() -> list[str]:
    """Return what is wrong with the rules, a line each."""
    return _read()[1]


def _read() -> tuple[Series, list[str]]:
    """Read the rules in their order: each may ask for what was recorded before it."""
    labels: dict[str, frozenset[str]] = dict(known.scraped())
    wrong: list[str] = []
    for rule in (rule for group in groups() for rule in group.rules):
        answer = read(rule.expr, labels)
        wrong += [f"{rule.name}: {each}" for each in answer.wrong]
        if isinstance(rule, Record):
            labels[rule.name] = labels.get(rule.name, frozenset()) | answer.labels | frozenset(rule.labels)
        else:
            missing = _named(rule) - answer.labels
            wrong += [f"{rule.name}: names the label {label}, which it does not have" for label in sorted(missing)]
    return labels, wrong


def _named(alert: Alert) -> set[str]:
    """Return the labels that an alert's texts have places for, outside of a condition."""
    texts = (alert.summary, alert.description, alert.dashboard)
    return {label for text in texts for label in _PLACE.findall(text)}
