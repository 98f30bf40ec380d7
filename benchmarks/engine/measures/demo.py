"""What telemetry costs a search of the demo at full speed, eight callers: a short form of `benchmarks.demo`.

`cpu` is in milliseconds of the three processes together; `throughput` is that with telemetry, in percent of that
without.
"""

from rich.console import Console

from benchmarks.demo import full_speed


def measure(_: str, __: str = "", *, calls: int, addresses: tuple[str, ...]) -> dict[str, float]:  # noqa: ARG001
    """Measure both in turns."""
    figures = full_speed(Console(stderr=True))
    on, off = figures["on"], figures["off"]
    return {
        "cpu": on.cpu_ms - off.cpu_ms,
        "cpu_off": off.cpu_ms,
        "throughput": 100 * on.throughput_per_s / off.throughput_per_s,
    }
