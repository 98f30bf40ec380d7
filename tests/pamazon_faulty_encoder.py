"""`pamazon`, whose encoder does what a test's query asks: `explode` raises, `stall` and `gate` take a second.

With `gate` it first writes the id of the trace that its batch is linked to into the pipe `PAMAZON_TEST_GATE`, so that a
test can act at that moment. Everything else is the shipped encoder's own work.
"""

import os
import sys
import threading
from collections.abc import Sequence
from typing import Any

from opentelemetry import trace

import demo_flow.executors.clip_encoder
from demo_flow.cli import main
from demo_flow.encoders import load_encoder
from demo_flow.serving.model_threads import ModelThreads, Vectors


def load_faulty(name: str, **options: Any) -> Any:
    """Load the encoder and put the faults into it."""
    encoder: Any = load_encoder(name, **options)
    prepare_texts = encoder.prepare_texts

    def prepare(texts: Sequence[str]) -> Any:
        if "explode" in texts:
            raise RuntimeError("the weights are gone")
        if "stall" in texts:
            threading.Event().wait(1.0)
        return prepare_texts(texts)

    encoder.prepare_texts = prepare
    return encoder


texts_of = ModelThreads._texts


def texts_at_the_gate(model: ModelThreads, texts: Sequence[str]) -> Vectors:
    """Encode a batch; the current span is still its own, before it is prepared."""
    if "gate" in texts:
        _stall_at_the_gate()
    return texts_of(model, texts)


def _stall_at_the_gate() -> None:
    batch: Any = trace.get_current_span()
    trace_id = batch.links[0].context.trace_id
    handle = os.open(os.environ["PAMAZON_TEST_GATE"], os.O_RDWR | os.O_NONBLOCK)  # never waits for a reader
    os.write(handle, trace.format_trace_id(trace_id).encode() + b"\n")
    threading.Event().wait(1.0)
    os.close(handle)


vars(demo_flow.executors.clip_encoder)["load_encoder"] = load_faulty
ModelThreads._texts = texts_at_the_gate  # type: ignore[assignment]
sys.exit(main())
