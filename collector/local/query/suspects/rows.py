"""The answer about suspects: what is wrong, where the time goes or the errors begin, and what the requests share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from collector.analysis.suspects.problems import Problem


@dataclass(frozen=True)
class ProblemRow:
    """What is wrong."""

    kind: str
    """failing, slow, on_the_way, empty or changed."""
    is_new: bool
    """It is more frequent than in the time before."""
    is_known: bool
    """Enough is known of the time before to say whether it is new."""
    matching: int
    """Requests that have it, of those looked at."""
    of_matching: int
    before: int
    """The same in the time before; 0 of 0: that is not compared."""
    of_before: int
    thresholds_ns: Mapping[str, int]
    """Above which a request is slow, by `service › operation` of its entry."""
    sentence: str


@dataclass(frozen=True)
class SuspectSpan:
    """One path: times are means of the requests with the problem, and of usual ones."""

    path: str
    """`service › operation`."""
    service: str
    operation: str
    is_way: bool
    """The time between a client and its server, in both directions."""
    critical_ns: int
    """On the critical path."""
    baseline_critical_ns: int
    saving_ns: int
    """By which a request would be shorter if the path took no time."""
    baseline_saving_ns: int
    lower_ns: int
    """By so much the saving is larger than usual, at least."""
    errors: int
    """Requests that fail and whose error begins here, of those looked at."""
    of_errors: int
    error_types: Sequence[str]
    sentence: str


@dataclass(frozen=True)
class SuspectAttribute:
    """One attribute of spans or of a process."""

    stage: str
    """`service › operation`; a service, if its process has the attribute."""
    key: str
    """`span`: the number of these spans in a request."""
    sign: str
    """`=`, `≥` or `<`."""
    value: str
    matching: int
    """Requests with it, of those that have the problem."""
    of_matching: int
    others: int
    of_others: int
    against: str
    """Who the others are: `typical`, of the same time, or `before`."""
    score: float
    """The difference of the shares."""
    lower: float
    """At least so much is the difference, with the correction for all that was tried."""
    same: Sequence[str]
    """What else exactly the same requests have."""
    explained_by: str | None
    """Another suspect, without which nothing is left of this one."""
    filter: str
    """The term of the filter language that chooses such requests; empty: there is none."""
    sentence: str


@dataclass(frozen=True)
class Baseline:
    """What the requests are compared with."""

    kind: str
    """`before`: the time before; `typical`: other requests of the same time, also where too little is known of it."""
    attributes: str
    """The same for attributes: if enough requests of the time itself do not have the problem, they are better."""
    since_unix_ns: int
    """Of the time before."""
    until_unix_ns: int


@dataclass(frozen=True)
class SuspectSample:
    """How much was looked at."""

    traces: int
    """Requests of both times."""
    of: int
    attributes: int
    """Of these, the requests whose attributes were read."""
    paths: int
    """And those whose critical path was computed."""
    tried: int
    """Attributes with a value that were compared."""


@dataclass(frozen=True)
class Suspects:
    """The whole answer; without a problem it is empty but for the sample."""

    problem: ProblemRow | None
    baseline: Baseline
    counts: Mapping[str, int]
    """Requests by problem, where there are any: what else may be asked about."""
    spans: Sequence[SuspectSpan]
    attributes: Sequence[SuspectAttribute]
    sample: SuspectSample


NAMES: Mapping[Problem, str] = {
    Problem.FAILING: "failing",
    Problem.SLOW: "slow",
    Problem.ON_THE_WAY: "delayed",
    Problem.EMPTY: "empty",
    Problem.CHANGED: "",
}
"""The adjective in sentences: `84 % of the slow requests`."""
