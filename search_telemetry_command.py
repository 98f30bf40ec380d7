"""The entry point of the `telemetry` command.

It is outside the package, so that Ctrl-C ends the process without a traceback while the package is imported, too.
"""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def main() -> int:
    """Run the command."""
    from telemetry.cli import main as run

    return run()
