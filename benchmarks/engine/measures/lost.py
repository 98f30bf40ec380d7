"""How many spans are lost at a steady rate where each export takes its time: percent of those recorded.

The sink takes the time, and tells how many came.
"""

import time
from urllib.request import urlopen

from opentelemetry import trace

from benchmarks.engine.measures import begin

RATE = 20_000
SECONDS = 6.0


def measure(peer: str, protocol: str, *, calls: int, addresses: tuple[str, ...]) -> dict[str, float]:
    """Record for six seconds, or as many spans as there are calls where these are fewer."""
    before = _came(addresses)
    started = begin(peer, addresses, protocol=protocol, metrics=False)
    recorded = _at_rate(trace.get_tracer("bench"), min(calls, int(RATE * SECONDS)))
    started.flush()
    return {"lost": 100 * (1 - (_came(addresses) - before) / recorded)}


def _came(addresses: tuple[str, ...]) -> int:
    with urlopen(f"{addresses[1]}/spans") as answer:
        return int(answer.read())


def _at_rate(tracer: trace.Tracer, spans: int) -> int:
    """Record at a steady rate, or as fast as the machine lets us, for as long as the rate would take; say how many."""
    begun, done, seconds = time.monotonic(), 0, spans / RATE
    while (passed := time.monotonic() - begun) < seconds:
        for _ in range(min(int(RATE * passed) - done, RATE // 50)):
            with tracer.start_as_current_span("work", attributes={"runtime": "onnx", "minibatch_size": 32}):
                done += 1
        time.sleep(0.005)
    return max(done, 1)
