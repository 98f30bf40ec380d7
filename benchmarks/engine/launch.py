"""One launch, in a process of its own: `python -m benchmarks.engine.launch MEASURE PEER CALLS GRPC HTTP`.

In: which measure of which library, how many calls, where the sink listens. Out: its figures by name, as JSON in the
last line. It imports nothing that a measure of imports would find loaded.
"""

import sys


def main(measure: str, peer: str, calls: str, *addresses: str) -> None:
    """Measure, and print the figures."""
    from importlib import import_module

    module, _, arguments = measure.partition(".")
    measured = import_module(f"benchmarks.engine.measures.{module}")
    figures = measured.measure(peer, *arguments.split("."), calls=int(calls), addresses=addresses)
    import json

    print(f"\n{json.dumps(figures)}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
