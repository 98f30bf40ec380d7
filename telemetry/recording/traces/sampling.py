"""Sampling of batches: the trace of a batch is sampled if that of any call in it is.

The batch is a trace of its own. With an independent decision at a ratio of 1 %, 99 of 100 sampled requests would link
to a batch that is not sampled.
"""

from typing import Final

from opentelemetry import context as otel_context
from opentelemetry.context import Context

SAMPLED_BY_BATCH: Final = otel_context.create_key("search-telemetry-sampled")
"""The key of the decision; our tracer looks for it where a trace begins."""


def root_context(sampled: bool) -> Context:
    """Return an empty context in which a root span is sampled or not, whatever the sampler would decide."""
    return otel_context.set_value(SAMPLED_BY_BATCH, sampled, Context())
