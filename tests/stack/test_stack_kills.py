"""What was handed over survives: kill -9 of Collectors under load, backends and brokers that go away."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from collector.stack.profiles import PROFILES
from collector.stack.programs.program import Program
from collector.stack.stack import Stack
from tests.stack import jaeger, prometheus
from tests.stack.load import SPANS, Sender
from tests.stack.stored import missing

RATE = 2000
"""Spans a second."""

A_SECOND = RATE // SPANS
"""Traces a second."""

OUTAGE = float(os.environ.get("STACK_OUTAGE_SECONDS", "8"))
"""Seconds that a backend stays away; `make chaos` takes 60."""

DECISION_WAIT = 10.0
"""Seconds, of the layer `gateway`."""

HANDED_ON = 2.0
"""Seconds from an agent's acknowledgement to a gateway's, at most, and for the second in which decisions are made."""

KEEP_ALL = {"OTELCOL_KEEP_PERCENT": "100"}

TAKEN_AGAIN = 10 * RATE
"""Spans that gateways take from Kafka once more after an outage, at most: those of a consumer's session."""


def only(profile: str, *names: str) -> Sequence[Program]:
    """Some programs of a profile: what nobody asks need not run."""
    return [program for program in PROFILES[profile] if program.name in names]


MINIMAL = only("minimal", "jaeger", "collector")
GATEWAYS = only("gateways", "jaeger", "gateway-1", "gateway-2", "agent")
KAFKA = only("scale", "kafka", "jaeger", "gateway-1", "gateway-2", "agent")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300 + 3 * OUTAGE)]


@pytest.mark.parametrize(("programs", "killed"), [(MINIMAL, "collector"), (GATEWAYS, "agent")], ids=["alone", "agent"])
def test_a_killed_collector_loses_nothing_that_it_acknowledged(
    tmp_path: Path, programs: Sequence[Program], killed: str
) -> None:
    """Kill -9 at 2,000 spans a second, three times: every acknowledged trace is in Jaeger, whole."""
    with (
        Stack(programs, data_dir=tmp_path, environment=KEEP_ALL) as stack,
        Sender(stack.address(f"{killed}.otlp_grpc"), RATE) as sender,
    ):
        for _ in range(3):
            sender.more(2 * A_SECOND)
            stack.kill(killed)
            stack.restart(killed)
        sender.more(A_SECOND)
        sender.stop()
        assert missing(stack, sender.acknowledged) == set()
    print(f"{len(sender.acknowledged)} traces acknowledged and stored")


def test_jaeger_may_be_away(tmp_path: Path) -> None:
    """Jaeger killed, away for a while under load, and back: the Collector's queue holds everything."""
    with (
        Stack(MINIMAL, data_dir=tmp_path) as stack,
        Sender(stack.address("collector.otlp_grpc"), RATE) as sender,
    ):
        sender.more(A_SECOND)
        stack.kill("jaeger")
        sender.more(int(OUTAGE * A_SECOND), 3 * OUTAGE + 30)
        stack.restart("jaeger")
        sender.more(A_SECOND)
        sender.stop()
        assert missing(stack, sender.acknowledged) == set()


def test_a_killed_gateway_loses_at_most_what_it_was_deciding_on(tmp_path: Path) -> None:
    """Kill -9 of one gateway of two: lost are traces of its own share that were younger than `decision_wait`.

    The other gateway's share is neither late nor sent twice; what comes for the killed one waits in the agent's queue.
    """
    with (
        Stack(GATEWAYS, data_dir=tmp_path, environment=KEEP_ALL) as stack,
        Sender(stack.address("agent.otlp_grpc"), RATE) as sender,
    ):
        sender.more(int(1.3 * DECISION_WAIT * A_SECOND))
        stack.kill("gateway-1")
        killed = time.monotonic()
        sender.more(2 * A_SECOND)
        since = [one for one, sent in list(sender.acknowledged.items()) if sent.begun > killed]
        assert missing(stack, [one for one in since if not of_gateway_1(one)]) == set()
        assert jaeger.count_spans(stack, [one for one in since if of_gateway_1(one)]) == {}
        stack.restart("gateway-1")
        sender.more(A_SECOND)
        sender.stop()
        lost = missing(stack, sender.acknowledged, patience=2 * DECISION_WAIT)
        taken = prometheus.own(stack, "gateway-2", "otelcol_receiver_accepted_spans_total")
    assert taken == SPANS * sum(not of_gateway_1(one) for one in sender.acknowledged), "sent twice"
    ages = [killed - sender.acknowledged[one].whole for one in lost]
    assert lost, "nothing was being decided on: the kill shows nothing"
    print(f"{len(lost)} of {len(sender.acknowledged)} traces lost, the oldest {max(ages, default=0.0):.1f} s old")
    assert all(of_gateway_1(one) for one in lost)
    assert all(sender.acknowledged[one].begun <= killed for one in lost)
    assert all(age <= DECISION_WAIT + HANDED_ON for age in ages)


def of_gateway_1(trace_id: str) -> bool:
    """Whose share a trace is, as the layer `agent` decides."""
    return trace_id[-1] in "01234567"


def test_a_broker_that_is_killed_loses_nothing_and_what_comes_again_is_counted(tmp_path: Path) -> None:
    """Agent, Kafka, gateways: kill -9 of the one broker under load, and its restart; everything arrives.

    What the agent counts as delivered was sent once; gateways count how often they took it: docs/scale.md divides the
    one by the other, and states how much may come again.
    """
    with (
        Stack(KAFKA, data_dir=tmp_path, environment=KEEP_ALL) as stack,
        Sender(stack.address("agent.otlp_grpc"), RATE) as sender,
    ):
        sender.more(4 * A_SECOND)
        stack.kill("kafka")
        sender.more(2 * A_SECOND)
        stack.restart("kafka")
        sender.more(4 * A_SECOND)
        sender.stop()
        assert missing(stack, sender.acknowledged) == set()
        delivered = prometheus.own(stack, "agent", "otelcol_exporter_sent_spans_total", exporter="kafka")
        taken = sum(
            prometheus.own(stack, name, "otelcol_receiver_accepted_spans_total", receiver="kafka")
            for name in ("gateway-1", "gateway-2")
        )
    assert delivered == SPANS * len(sender.acknowledged)
    assert delivered <= taken <= delivered + TAKEN_AGAIN
    print(f"{len(sender.acknowledged)} traces acknowledged and stored, {taken - delivered:.0f} spans taken again")
