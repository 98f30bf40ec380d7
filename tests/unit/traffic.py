"""Made traffic: requests with a time, an outcome and attributes, of which nothing, or one thing, makes some slow.

In: a seed. Out: what the analysis decides about it. Healthy traffic has nothing that makes requests slow: times and
attributes are independent.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from collector.analysis.suspects.attributes import LEAST_CHANGE, LEAST_DIFFERENCE, Suspect, suspects
from collector.analysis.suspects.candidates import Value, candidates
from collector.analysis.suspects.problems import Found, Problem, Request, measure, ranked

MS = 1_000_000
Attributes = dict[tuple[str, str], Value]
Slows = Callable[[Attributes], bool]


@dataclass(frozen=True)
class Traffic:
    """Requests now, those before, and the attributes of each."""

    now: list[Request]
    before: list[Request]
    attributes: dict[int, Attributes]

    def decide(self) -> tuple[Found | None, list[Suspect]]:
        """What is wrong, and the suspects."""
        for found in ranked(measure(self.now, self.before)):
            named = self._suspects(found)
            if named or found.problem is not Problem.CHANGED:
                return found, named
        return None, []

    def _suspects(self, found: Found) -> list[Suspect]:
        requests = [*found.matching, *found.others]
        observed: dict[tuple[str, str], dict[Value, int]] = {}
        for number, request in enumerate(requests):
            for at, value in self.attributes[request.trace_no].items():
                values = observed.setdefault(at, {})
                values[value] = values.get(value, 0) | 1 << number
        matching = (1 << len(found.matching)) - 1
        least = LEAST_CHANGE if found.problem is Problem.CHANGED else LEAST_DIFFERENCE
        return suspects(candidates(observed), matching, (1 << len(requests)) - 1 - matching, least)


def traffic(
    seed: int,
    *,
    requests: int = 300,
    with_before: bool = True,
    tail: float = 0.4,
    failing: float = 0.003,
    slows: Slows | None = None,
) -> Traffic:
    """Make traffic.

    Args:
        seed: of everything random.
        requests: of each of the two times.
        with_before: whether anything is known of the time before.
        tail: deviation of the logarithm of a time: of 1.0, 5 % take five times the median.
        failing: the share of requests that fail.
        slows: which requests take 150 ms longer, now.
    """
    source = random.Random(seed)
    attributes: dict[int, Attributes] = {}

    def request(number: int, slow: Slows | None) -> Request:
        attributes[number] = found = _attributes(source, number)
        inside = source.lognormvariate(3.0, tail) + (150 if slow and slow(found) else 0)
        way = source.lognormvariate(4.0, tail)
        outcome = "error" if source.random() < failing else "ok"
        return Request(number, "gateway › /search", int(inside * MS), int(way * MS), outcome, is_empty=False)

    before = [request(-number, None) for number in range(1, requests + 1)] if with_before else []
    return Traffic([request(number, slows) for number in range(requests)], before, attributes)


def _attributes(source: random.Random, number: int) -> Attributes:
    """As a search has them: who asks, versions, processes, counts, scores, ids, and 20 that mean nothing."""
    gateway, encoder = "gateway › /search", "clip_encoder › encode"
    found: Attributes = {
        (gateway, "client.platform"): source.choices(["web", "ios", "android", "linux"], [5, 3, 3, 1])[0],
        (gateway, "client.region"): source.choices(["us", "de", "br", "jp", "cl"], [5, 3, 2, 2, 1])[0],
        (gateway, "request.id"): f"{number:x}-{source.random()}",
        (gateway, "len_docs"): source.choice([1, 1, 1, 8, 32]),
        (encoder, "runtime"): source.choice(["onnx", "torch"]),
        ("clip_encoder", "service.version"): source.choice(["0.1.0", "2.0.0"]),
        ("qdrant_indexer", "service.instance.id"): source.choice(["a", "b", "c"]),
        ("qdrant_indexer › qdrant_search", "search.top_score"): source.random(),
        ("qdrant_indexer › qdrant_search", "search.hits"): source.randrange(11),
    }
    for key in range(20):
        found[gateway, f"attribute.{key}"] = source.randrange(2 + key // 3)
    return found
