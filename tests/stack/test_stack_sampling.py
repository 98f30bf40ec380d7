"""What tail sampling keeps, under load, on two gateways behind an agent."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from collector.stack.profiles import PROFILES
from collector.stack.stack import Stack
from tests.stack import jaeger, prometheus
from tests.stack.asking import assert_becomes
from tests.stack.load import SPANS, Sender, Sent
from tests.stack.stored import missing

RATE = 2000
SECONDS = 10
DECIDED = "otelcol_processor_tail_sampling_global_count_traces_sampled_total"
pytestmark = pytest.mark.slow

PROGRAMS = [one for one in PROFILES["gateways"] if one.name in {"jaeger", "gateway-1", "gateway-2", "agent"}]


@dataclass(frozen=True)
class Sampled:
    """What was sent; spans in Jaeger by trace; traces by the gateways' decision, as they count it themselves."""

    sent: dict[str, Sent]
    stored: dict[str, int]
    decided: dict[str, int]


@pytest.fixture(scope="module")
def sampled(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sampled]:
    """Ten seconds of load; then, once every trace is decided on and every queue is empty, what there is."""
    folder = tmp_path_factory.mktemp("sampled")
    with Stack(PROGRAMS, data_dir=folder) as stack:
        with Sender(stack.address("agent.otlp_grpc"), RATE) as sender:
            sender.more(RATE * SECONDS // SPANS)
            sender.stop()
        sent = sender.acknowledged
        assert_becomes(lambda: sum(decisions(stack).values()), len(sent))
        kept = [trace_id for trace_id, one in sent.items() if one.kind != "plain"]
        assert missing(stack, kept) == set()
        assert_becomes(lambda: len(jaeger.count_spans(stack, list(sent))), decisions(stack)["sampled"])
        yield Sampled(sent, jaeger.count_spans(stack, list(sent)), decisions(stack))


def decisions(stack: Stack) -> dict[str, int]:
    """Traces by what the two gateways decided."""
    return {
        decision: sum(
            int(prometheus.own(stack, name, DECIDED, decision=decision)) for name in ("gateway-1", "gateway-2")
        )
        for decision in ("sampled", "not_sampled", "dropped")
    }


@pytest.mark.parametrize("kind", ["error", "slow"])
def test_every_trace_that_matters_is_kept_whole(sampled: Sampled, kind: str) -> None:
    """All of them, with all their spans, though the root comes after the rest and by another export."""
    wanted = {trace_id: SPANS for trace_id, one in sampled.sent.items() if one.kind == kind}
    assert len(wanted) > 20
    assert {trace_id: sampled.stored.get(trace_id, 0) for trace_id in wanted} == wanted


def test_a_share_of_the_rest_is_kept_whole(sampled: Sampled) -> None:
    """Whole or not at all; about a tenth, chosen by the trace's id."""
    plain = [trace_id for trace_id, one in sampled.sent.items() if one.kind == "plain"]
    kept = Counter(sampled.stored.get(trace_id, 0) for trace_id in plain)
    assert set(kept) == {0, SPANS}
    assert 0.05 < kept[SPANS] / len(plain) < 0.2


def test_what_is_not_kept_is_counted(sampled: Sampled) -> None:
    """Traces sent = traces in Jaeger + traces that the gateways report as sampled out."""
    assert len(sampled.sent) == len(sampled.stored) + sampled.decided["not_sampled"]
    assert sampled.decided["dropped"] == 0
