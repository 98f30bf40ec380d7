"""What rules are made of, before they become YAML.

In: the groups of `slo` and `symptoms`. Out: plain values. State: none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Severity = Literal["page", "ticket"]
"""`page`: somebody must look now; `ticket`: somebody looks in working hours."""

SERVICE: Final = '{{ reReplaceAll "^.*/" "" $labels.job }}'
"""The service of an alert's `job`, which is `namespace/service`."""
NAMESPACE: Final = '{{ or (reReplaceAll "/?[^/]*$" "" $labels.job) "$__all" }}'
"""The flow of an alert's `job`, as a board's variable; a service without one is found in all flows."""
FLOW: Final = '{{ or (reReplaceAll "/?[^/]*$" "" $labels.job) "-" }}'
"""The label `flow`. Prometheus shows a label that is empty as its template."""
OF_OPERATION: Final = {"operation": "{{ $labels.search_operation }}"}
"""Chooses an alert's operation on the overview, which shows searches otherwise."""
OF_FLOW: Final = {"namespace": NAMESPACE, **OF_OPERATION}
"""Chooses an alert's flow and operation on the overview, which is about all of its services."""
OF_SERVICE: Final = {"namespace": NAMESPACE, "service": SERVICE}
"""Chooses an alert's service, too."""


def labelled(label: str) -> str:
    """Return the template of a label's value."""
    return f"{{{{ $labels.{label} }}}}"


@dataclass(frozen=True, slots=True)
class Record:
    """A recorded series.

    Attributes:
        name: `level:metric:operation`.
        expr: PromQL.
        labels: more labels.
    """

    name: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert; its runbook is the page of its name.

    Attributes:
        name: also of its page in `docs/runbooks`.
        expr: PromQL; the labels of its result are the ones at fault.
        severity: how soon somebody must look.
        pending: how long the expression must hold, `for` in the rule.
        summary: a sentence with the value and the labels at fault.
        description: what it means, and how it is measured.
        board: uid of the board that shows it.
        variables: of that board, from name to template.
        chosen: more variables of that board, as a part of its address.
        kept: how long it goes on after its expression held last, `keep_firing_for` in the rule.
    """

    name: str
    expr: str
    severity: Severity
    pending: str
    summary: str
    description: str
    board: str = "search-overview"
    variables: Mapping[str, str] = field(default_factory=dict)
    chosen: str = ""
    kept: str = "0s"

    @property
    def dashboard(self) -> str:
        """Path of the board, with its variables."""
        chosen = "".join(f"&var-{name}={value}" for name, value in self.variables.items()) + self.chosen
        return f"/d/{self.board}?from=now-1h{chosen}"

    @property
    def labels(self) -> Mapping[str, str]:
        """What it has beside the labels of its expression; one about a service has its flow."""
        return {"severity": self.severity} | ({"flow": FLOW} if "namespace" in self.variables else {})

    @property
    def runbook(self) -> str:
        """Path of its page."""
        return f"docs/runbooks/{self.name}.md"


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated in their order, every `interval`."""

    name: str
    interval: str
    rules: tuple[Record | Alert, ...]

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Its alerts."""
        return tuple(rule for rule in self.rules if isinstance(rule, Alert))
