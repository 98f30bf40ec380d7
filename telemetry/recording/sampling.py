"""Sampling of batches: the trace of a batch is sampled if that of any call in it is.

The batch is a trace of its own. With an independent decision at a ratio of 1 %, 99 of 100 sampled requests would link
to a batch that is not sampled.
"""

from typing import TYPE_CHECKING, Any, Final

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context

if TYPE_CHECKING:  # the SDK
    from opentelemetry.sdk.trace.sampling import Sampler, SamplingResult

SAMPLED_BY_BATCH: Final = otel_context.create_key("search-telemetry-sampled")


def root_context(sampled: bool) -> Context:
    """Return an empty context in which a root span is sampled or not, whatever the sampler would decide."""
    return otel_context.set_value(SAMPLED_BY_BATCH, sampled, Context())


def with_batches(sampler: "Sampler") -> "Sampler":
    """Return a sampler that obeys `root_context`, and asks `sampler` for all other spans."""
    from opentelemetry.sdk.trace import sampling

    class WithBatches(sampling.Sampler):
        def should_sample(self, parent_context: Context | None, *args: Any, **kwargs: Any) -> "SamplingResult":
            sampled = otel_context.get_value(SAMPLED_BY_BATCH, parent_context)
            deciding = sampler
            if sampled is not None and not trace.get_current_span(parent_context).get_span_context().is_valid:
                deciding = sampling.ALWAYS_ON if sampled else sampling.ALWAYS_OFF
            return deciding.should_sample(parent_context, *args, **kwargs)

        def get_description(self) -> str:
            return sampler.get_description()

    return WithBatches()
