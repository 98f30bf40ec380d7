"""`python -m collector.stack [build [NAME …] | lock | up | down | status]`: `telemetry stack` without its entry point.

In: the command line. Out: an exit status. State: none.
"""

import sys

from telemetry.cli import main

if __name__ == "__main__":
    sys.exit(main(["stack", *(sys.argv[1:] or ["build"])]))
