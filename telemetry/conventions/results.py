"""The results of a search: how many, how good, and how many of them are worse than a threshold."""

from typing import Final

from telemetry.conventions.kinds import COUNTS, MARGINS, SCORES, Attribute, Instrument, Metric
from telemetry.conventions.request import SEARCH_OPERATION
from telemetry.conventions.stages import MODEL

SEARCH_HITS: Final = Attribute("search.hits", "int", "Results returned.")
SEARCH_TOP_SCORE: Final = Attribute("search.top_score", "double", "Score of the best result.")
SEARCH_MARGIN: Final = Attribute("search.margin", "double", "Distance between the best and the worst score.")
SEARCH_THRESHOLD: Final = Attribute("search.threshold", "double", "The score from which on a result is a good one.")
SEARCH_BELOW_THRESHOLD: Final = Attribute("search.below_threshold", "int", "Results worse than the threshold.")
SEARCH_RANK: Final = Attribute("search.rank", "string", "`top1` for the best result, `topk` for all results.", limit=2)
SEARCH_DISTANCE: Final = Attribute(
    "search.distance",
    "string",
    "What the scores are: `cosine` and `dot`, where more is better; `euclid` and `manhattan`, where less is.",
    limit=6,
)

RESULTS: Final = Metric(
    "search.results", Instrument.HISTOGRAM, "{result}", "Results of each search.", (SEARCH_OPERATION,), COUNTS
)
RESULTS_EMPTY: Final = Metric(
    "search.results.empty", Instrument.COUNTER, "{request}", "Searches without results.", (SEARCH_OPERATION,)
)
RESULTS_BELOW_THRESHOLD: Final = Metric(
    "search.results.below_threshold", Instrument.COUNTER, "{result}",
    "Results worse than the threshold, of searches that have one.", (SEARCH_OPERATION,),
)  # fmt: skip
RESULT_SCORE: Final = Metric(
    "search.result.score", Instrument.HISTOGRAM, "1", "Scores of results, in the index's metric.",
    (SEARCH_OPERATION, SEARCH_RANK, SEARCH_DISTANCE, MODEL), SCORES, signed=True,
)  # fmt: skip
RESULT_MARGIN: Final = Metric(
    "search.result.margin", Instrument.HISTOGRAM, "1",
    "Distance between the best and the worst score of each search with several results.",
    (SEARCH_OPERATION, SEARCH_DISTANCE, MODEL), MARGINS,
)  # fmt: skip
