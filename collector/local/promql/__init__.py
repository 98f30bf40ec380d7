"""PromQL on the metric points of the store: what our boards and rules ask, with the answers that Prometheus gives.

In: a query, a time or a range, a connection to the store. Out: `data` as in the answers of Prometheus's HTTP API.
State: none. A query is parsed (`parsing`), its series are read once (`reading`, with the names and labels of
`translating`), and evaluated for all steps at once (`evaluating`, over the vectors of `vectors`).
"""

from collector.local.promql.asking import instant, over_range
from collector.local.promql.exemplars import exemplars

__all__ = ["exemplars", "instant", "over_range"]
