"""The PromQL of docs/metrics.md on milliseconds per document: its terms, with the values of a run."""

import re
from pathlib import Path

import telemetry
from telemetry.recording import providers
from telemetry.recording.metrics import instruments
from telemetry.testing.spans import Spans
from tests.unit.pulled import pulled

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_milliseconds_per_document(spans: Spans) -> None:
    """Six documents in 300 ms are 50 ms each, whatever a run held; a failed run counts with its documents."""
    (query,) = re.findall(r"```promql\n(1000 .*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    seconds, documents = re.findall(r"rate\((\w+)\[5m\]\)", query)
    assert (
        query.split()
        == (
            f"1000 * sum by (search_stage) (rate({seconds}[5m])) / (sum by (search_stage) (rate({documents}[5m])) > 0)"
        ).split()
    )
    with pulled() as scrape, providers.override(own=scrape.own):
        instruments.forget()
        for size, milliseconds in ((1, 99), (5, 199)):  # the clock advances by one more with each reading
            with telemetry.stage("inference", len_docs=size, minibatch_size=32):
                spans.clock.advance(milliseconds / 1000)
        inference = {"search_stage": "inference"}
        per_document = 1000 * scrape.sample(seconds, inference).value / scrape.sample(documents, inference).value
        instruments.forget()
    assert round(per_document, 6) == 50
