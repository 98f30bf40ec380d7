"""The `telemetry` command as a process of its own.

In: the command line. Out: an exit status. State: what Ctrl-C does. It lies beside the package, since that takes a
moment to import, in which Ctrl-C shall be as quiet as later.
"""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def main() -> int:
    """Run the command."""
    from telemetry.cli import main as run

    return run()
