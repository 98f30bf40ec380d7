"""The `pamazon` command: start the shop, run one of its processes, index, search, make traffic, play incidents.

Its exit status is 0, 2 for a caller's mistake, 1 for what failed, 130 after Ctrl-C; errors are printed in a line or
two, never with a stack trace.

Each command is a module of `demo_flow.commands` with `add(subparsers)`; it imports what it needs when it runs, so that
`pamazon search` starts fast.
"""

import sys
from collections.abc import Sequence

from demo_flow.commands import incident, index, load, search, serve, up
from demo_flow.commands.failing import fail, print_anything
from demo_flow.errors import PamazonError
from telemetry.cli import Parser, is_output_error, output_lost
from telemetry.errors import TelemetryError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    print_anything()
    parser = Parser(prog="pamazon", description="A shop whose catalogue is searched by text or by picture.")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (up, serve, index, search, load, incident):
        command.add(subparsers)
    try:
        status = _run(parser, argv)
        sys.stdout.flush()
    except PamazonError as error:
        return fail(error.message, error.hint, 2 if getattr(error, "callers_mistake", True) else 1)
    except TelemetryError as error:
        return fail(error.message, error.hint, 2)
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        if not is_output_error(error):
            raise
        return output_lost(error)
    return status


def _run(parser: Parser, argv: Sequence[str] | None) -> int:
    try:
        args = parser.parse_args(argv)
    except SystemExit:  # of --help, which the output may not have room for
        sys.stdout.flush()
        raise
    return int(args.run(args))


if __name__ == "__main__":
    sys.exit(main())
