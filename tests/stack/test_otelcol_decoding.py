"""Odd exports at the real Collector: whatever its decoder takes, the local collector takes as well."""

import http.client
from collections.abc import Iterator

import pytest

from collector.local.decode.reasons import Rejected
from collector.stack.programs.otelcol import Otelcol
from collector.stack.stack import Stack
from tests.otlp_odd import ODD, Odd

NOT_DECODING = {Rejected.TRACE_ID, Rejected.SPAN_ID, Rejected.TIME, Rejected.BUCKETS, Rejected.MAX_DEPTH}
"""Why the local collector rejects records alone that a decoder need not look at: a span without ids belongs to no
trace, a time beyond 2262 to no store of ours, a histogram whose buckets do not fit has no percentiles."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    collector = Otelcol("collector", ("base", "privacy"))
    with Stack([collector], data_dir=tmp_path_factory.mktemp("stack"), environment={}) as stack:
        yield stack.address("collector.otlp_http")


def status_of(address: str, odd: Odd) -> int:
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.request("POST", odd.signal.path, odd.body, {"Content-Type": odd.content_type})
    with connection.getresponse() as response:
        response.read()
    connection.close()
    return response.status


def test_the_local_collector_is_at_least_as_lenient_as_the_real_one(address: str) -> None:
    """Of what the real one takes, nothing is rejected because it cannot be read; of the rest, good records are kept."""
    taken = {name: odd for name, odd in ODD.items() if status_of(address, odd) == 200}
    refused = {name: odd for name, odd in ODD.items() if name not in taken}
    stricter = {name: odd.rejected_by for name, odd in taken.items() if not set(odd.rejected_by) <= NOT_DECODING}
    assert stricter == {}
    assert len(taken) > 80, taken.keys()
    assert len(refused) > 50, refused.keys()
