"""What requests spend their time on: widgets that the boards of search and indexing share."""

from dashboards.sentry.fields import OP, P50, P95, TIME_SPENT, field, op
from dashboards.sentry.model import Show, Widget
from telemetry import conventions as c


def steps(operation: str) -> tuple[Widget, ...]:
    """Return the time by step and by model, of the spans that the filter `operation` selects."""
    return (
        Widget(
            "Where is the time spent?", "Time of each step without the steps below it: compare heights, not values.",
            Show.AREAS, (TIME_SPENT,), operation, (OP,), f"-{TIME_SPENT}", width=3, height=3,
        ),
        Widget(
            "Which step is slow?", "By span.op. rpc.client and rpc.server include what they call.",
            Show.TABLE, (P50, P95, TIME_SPENT), operation, (OP,), f"-{P95}", width=3, height=3,
        ),
        Widget(
            "Which model?", "All encoding of one request, by model.",
            Show.TABLE, (P50, P95), f"{op(c.ENCODE)} {operation}", (field(c.MODEL),), f"-{P95}",
        ),
    )  # fmt: skip
