"""`make bench`: every benchmark, one after the other. `python -m benchmarks NAME …` runs some of them."""

import subprocess
import sys

from rich.console import Console

BENCHMARKS = {
    "engine": "what each call costs, beside OpenTelemetry's SDK, ddtrace, logfire, sentry-sdk and fastotel",
    "ingest": "the local collector: acknowledged spans per second, alone and beside queries",
    "store": "questions at ten million realistic spans, beside ingest: times, memory, bytes a span",
    "demo": "Pamazon at the rate the machine holds, telemetry on against off",
    "outage": "Pamazon's latency while its collector is killed and away",
    "stack": "the real Collector by role: CPU a span, memory, disk (needs make stack)",
}


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; return the exit status of the first that failed, else 0."""
    console = Console()
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        console.print(f"There is not a benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}.", style="red")
        return 2
    for name in names or BENCHMARKS:
        console.rule(f"[bold]{name}[/]  {BENCHMARKS[name]}", align="left")
        status = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
