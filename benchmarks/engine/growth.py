"""Ten million spans: does the process grow? `python -m benchmarks.engine.growth [--spans 10000000]`.

In: how many spans in all. Out: for each shape of trace, blocks and memory more after its share than after a tenth of
it. State: none.
"""

import argparse
import sys
import time

from tests.contract.test_engine_threads import SHAPES, grows


def main() -> None:
    """Print a line for each shape."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=10_000_000, help="in all (default: %(default)s)")
    share = parser.parse_args().spans // len(SHAPES)
    for shape in SHAPES:
        began = time.process_time()
        blocks, size = grows(shape, share)
        took = time.process_time() - began
        name = shape.__name__.replace("_", " ")
        sys.stdout.write(f"{name:12} {share:>10,} spans {blocks:>+7} blocks {size / 2**20:>+7.2f} MiB {took:>7.1f} s\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
