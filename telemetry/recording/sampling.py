"""Whether the trace of a batch is kept: where that of any call in it is, and else not.

In: what the batch says of its calls, by the context that its span is started in. Out: a decision. State: none.

A batch's trace is a trace of its own. Were its fate drawn anew, then with one trace in a hundred kept, 99 of 100
requests that are kept would point to a batch that is not.
"""

from typing import TYPE_CHECKING, Any, Final

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context

if TYPE_CHECKING:  # the SDK
    from opentelemetry.sdk.trace.sampling import Sampler, SamplingResult

_KEY: Final = otel_context.create_key("search-telemetry-kept-with")


def follow(kept: bool) -> Context:
    """Return an empty context for a root span that is kept or not, as `kept` says, whatever the sampler would say."""
    return otel_context.set_value(_KEY, kept, Context())


def following(sampler: "Sampler") -> "Sampler":
    """Return a sampler that obeys `follow`, and is `sampler` for everything else."""
    from opentelemetry.sdk.trace import sampling

    class Following(sampling.Sampler):
        def should_sample(self, parent_context: Context | None, *args: Any, **kwargs: Any) -> "SamplingResult":
            kept = otel_context.get_value(_KEY, parent_context)
            decides = sampler
            if kept is not None and not trace.get_current_span(parent_context).get_span_context().is_valid:
                decides = sampling.ALWAYS_ON if kept else sampling.ALWAYS_OFF
            return decides.should_sample(parent_context, *args, **kwargs)

        def get_description(self) -> str:
            return sampler.get_description()

    return Following()
