"""Fourth row of the Search overview: do searches find something good?"""

from typing import Final

from dashboards import links
from dashboards.boards import entry, shared_links
from dashboards.model import Draw, Panel, Query, Row, Step, Tone, Unit
from dashboards.promql import quantile, rate, ratio
from telemetry import conventions as c

_BY: Final = (c.SEARCH_OPERATION,)
_BEHIND: Final = "The variables Platform and Region do not apply: this is counted behind the entry."
_STEPS: Final = (Step(None, Tone.GOOD), Step(0.05, Tone.WARNING), Step(0.2, Tone.BAD))


def empty() -> Panel:
    """Return the share of searches without results."""
    nothing = rate(c.RESULTS_EMPTY, _BY, entry.SEARCHED)
    return Panel(
        "How many searches find nothing?",
        "Share of the searches that return no result. If it rises after an index run, points are missing."
        f" {_BEHIND}",
        Draw.LINES,
        (Query(ratio(nothing, rate(c.RESULTS, _BY, entry.SEARCHED, part="count"), _BY), "{{search_operation}}"),),
        Unit.SHARE, _STEPS, width=8, least=0,
        links=(
            links.traces({c.SEARCH_HITS: "0"}),
            shared_links.INDEX,
            links.logs(),
            links.sentry({c.SEARCH_HITS: "0"}),
        ),
    )  # fmt: skip


def below_threshold() -> Panel:
    """Return the share of the scores that are worse than the threshold, whether or not the answer has the result."""
    worse = rate(c.RESULTS_BELOW_THRESHOLD, _BY, entry.SEARCHED)
    scores = rate(c.RESULT_SCORE, _BY, {**entry.SEARCHED, c.SEARCH_RANK: '="topk"'}, part="count")
    return Panel(
        "How many results are poor?",
        "Share of what the index found with a score worse than the search's threshold; many searches leave it out of"
        f" the answer. It rises when the index or the model no longer fits what users search for. {_BEHIND}",
        Draw.LINES,
        (Query(ratio(worse, scores, _BY), "{{search_operation}}"),),
        Unit.SHARE, width=8, least=0, most=1,
        links=(*entry.of_operation(), shared_links.INDEX),
    )  # fmt: skip


def top_score() -> Panel:
    """Return how good the best result is."""
    by = (c.MODEL, c.SEARCH_DISTANCE)
    best = {**entry.SEARCHED, c.SEARCH_RANK: '="top1"'}
    named = "{{model}}, {{search_distance}}"
    return Panel(
        "How good is the best result?",
        "Score of each search's best result: the median and the 10th percentile. Higher is better for cosine and dot,"
        " lower for euclid and manhattan. If it changes with a release, the model and the index may no longer match."
        f" {_BEHIND}",
        Draw.LINES,
        (
            Query(quantile(0.5, c.RESULT_SCORE, by, best), f"median, {named}", exemplars=True),
            Query(quantile(0.1, c.RESULT_SCORE, by, best), f"p10, {named}"),
        ),
        Unit.NONE, width=8,
        links=(
            links.traces({c.MODEL: links.of(c.MODEL)}),
            shared_links.ENCODER,
            links.logs(),
            links.sentry({c.MODEL: links.of(c.MODEL)}),
        ),
    )  # fmt: skip


def row() -> Row:
    """Return the row."""
    return Row("Results", (empty(), below_threshold(), top_score()))
