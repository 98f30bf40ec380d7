"""Where the time of slow requests goes, and where the errors of failing ones begin, against usual requests.

In: the spans of some requests, with those of the batches that they waited for. Out: by path (`service › operation`) the
time on the critical path and the saving potential, each a mean of the requests with the problem and of the usual ones.
A path is named if its saving is larger than usual, by the lower bound of the difference of the means: that of Welch,
B. L.: "The generalization of Student's problem when several different population variances are involved", Biometrika
34 (1947), 28-35, with the normal quantile and Bonferroni's correction for the number of paths.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from statistics import NormalDist, fmean, variance
from typing import Final, NamedTuple

from collector.analysis.critical_path import critical_times
from collector.analysis.saving import savings
from collector.analysis.skew import align
from collector.analysis.suspects.attributes import ALPHA
from collector.analysis.tree import Tree, build

LEAST_SHARE: Final = 0.05
"""The smallest share that a path must have of all the time by which the requests are longer."""


class PathSpan(NamedTuple):
    """What is read of a span."""

    span_id: str
    parent_span_id: str | None
    start_unix_ns: int
    end_unix_ns: int
    kind: str
    name: str
    service: str
    is_error: bool = False
    error_type: str = ""


class Path(NamedTuple):
    """Spans of one service and operation; of a call, `is_way` is the time that neither side works."""

    service: str
    operation: str
    is_way: bool = False


@dataclass(slots=True)
class PathTimes:
    """One path; times are means of the requests."""

    path: Path
    critical_ns: int
    usual_critical_ns: int
    saving_ns: int
    usual_saving_ns: int
    lower_ns: float
    """The lower bound of how much larger than usual the saving is."""


@dataclass(slots=True)
class Origin:
    """Where errors begin: the spans with an error that have no span with an error below them."""

    path: Path
    errors: int
    """Requests in which one begins there."""
    types: Counter[str] = field(default_factory=Counter)


def path_times(matching: Iterable[Sequence[PathSpan]], usual: Iterable[Sequence[PathSpan]]) -> list[PathTimes]:
    """The paths that take longer than usual, the one that would save most first.

    Args:
        matching: the spans of each request with the problem.
        usual: of each that is compared with it.
    """
    slow, compared = ([_times(spans) for spans in some if spans] for some in (matching, usual))
    if len(slow) < 2 or len(compared) < 2:
        return []
    paths = {path for times in (*slow, *compared) for path in times}
    z = NormalDist().inv_cdf(1 - ALPHA / max(len(paths), 1))
    found = [_compared(path, slow, compared, z) for path in paths]
    longer = sum(max(0, one.critical_ns - one.usual_critical_ns) for one in found)
    named = [one for one in found if one.lower_ns > 0 and one.saving_ns - one.usual_saving_ns >= LEAST_SHARE * longer]
    return sorted(named, key=lambda one: -one.lower_ns)


def origins(requests: Iterable[Sequence[PathSpan]]) -> list[Origin]:
    """Where the errors of requests begin, the most frequent first."""
    found: dict[Path, Origin] = {}
    for spans in requests:
        above = {span.parent_span_id for span in spans if span.is_error}
        begun = {
            Path(span.service, span.name): span.error_type
            for span in spans
            if span.is_error and span.span_id not in above
        }
        for path, error_type in begun.items():
            origin = found.setdefault(path, Origin(path, 0))
            origin.errors += 1
            if error_type:
                origin.types[error_type] += 1
    return sorted(found.values(), key=lambda one: -one.errors)


def _times(spans: Sequence[PathSpan]) -> Mapping[Path, tuple[int, int]]:
    """Time on the critical path and saving, by path."""
    tree = build(spans)
    aligned = align(tree, [span.kind for span in spans]).tree
    paths = _paths(spans, aligned)
    times: Counter[Path] = Counter()
    for path, time in zip(paths, critical_times(aligned), strict=True):
        if time:
            times[path] += time
    saved = savings(aligned, paths, times)
    return {path: (time, saved[path]) for path, time in times.items()}


def _paths(spans: Sequence[PathSpan], tree: Tree) -> list[Path]:
    served = {tree.parents[index] for index, span in enumerate(spans) if span.kind == "server"}
    return [
        Path(span.service, span.name, index in served and span.kind == "client") for index, span in enumerate(spans)
    ]


def _compared(
    path: Path,
    slow: Sequence[Mapping[Path, tuple[int, int]]],
    usual: Sequence[Mapping[Path, tuple[int, int]]],
    z: float,
) -> PathTimes:
    both: defaultdict[str, list[list[int]]] = defaultdict(list)
    for times in (slow, usual):
        found = [one.get(path, (0, 0)) for one in times]
        both["critical"].append([critical for critical, _ in found])
        both["saving"].append([saving for _, saving in found])
    first, second = both["saving"]
    error = sqrt(variance(first) / len(first) + variance(second) / len(second))
    critical, usual_critical, saving, usual_saving = (
        int(fmean(values)) for values in (*both["critical"], *both["saving"])
    )
    lower = fmean(first) - fmean(second) - z * error
    return PathTimes(path, critical, usual_critical, saving, usual_saving, lower)
