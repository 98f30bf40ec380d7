"""`python -m collector.stack [build [NAME …] | lock | up | down | status]`: `telemetry stack` by the module's name."""

import sys

from telemetry.cli import main

if __name__ == "__main__":
    sys.exit(main(["stack", *(sys.argv[1:] or ["build"])]))
