"""The `telemetry` command: nothing but the place where each room hangs its commands.

In: the command line. Out: an exit status; 2 for a user's mistake, told in a line or two and never with a stack trace.
State: none.

Commands come from the entry points of `GROUP`: each loads to a function `add(subparsers)` that adds parsers with
`set_defaults(run=…)`, a function from the parsed arguments to an exit status. So this package imports no room to its
right.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points, version

from telemetry.errors import TelemetryError

GROUP = "search_telemetry.commands"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    parser = argparse.ArgumentParser(prog="telemetry", description="Traces, metrics and logs of search pipelines.")
    parser.add_argument("--version", action="version", version=version("search-telemetry"))
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND")
    missing = _add_commands(subparsers)
    words = sys.argv[1:] if argv is None else argv
    if missing and not subparsers.choices and any(not word.startswith("-") for word in words):
        return _fail(missing)
    args = parser.parse_args(words)
    if hasattr(args, "run"):
        return _run(args)
    parser.print_help()
    return _fail(missing) if missing else 2


def _run(args: argparse.Namespace) -> int:
    try:
        return int(args.run(args))
    except ModuleNotFoundError as error:
        return _fail(_missing(error, args.extra))
    except TelemetryError as error:
        return _fail(error)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output has left, as `head` does: no error of anyone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> TelemetryError | None:
    """Let every room add its commands; return what is missing where one cannot."""
    missing = None if entry_points(group=GROUP) else TelemetryError("No commands are installed.", _mend("local"))
    for entry in sorted(entry_points(group=GROUP)):
        known = set(subparsers.choices)
        try:
            entry.load()(subparsers)
        except ModuleNotFoundError as error:
            missing = _missing(error, entry.name)
        for name in subparsers.choices.keys() - known:
            subparsers.choices[name].set_defaults(extra=entry.name)
    return missing


def _missing(error: ModuleNotFoundError, extra: str) -> TelemetryError:
    return TelemetryError(f"The package {error.name} is not installed.", _mend(extra))


def _mend(extra: str) -> str:
    return f"pip install 'search-telemetry[{extra}]'"


def _fail(error: TelemetryError) -> int:
    coloured = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    red, plain = ("\x1b[31m", "\x1b[0m") if coloured else ("", "")
    text = f"{red}{error.message}{plain}\n{error.mend}".rstrip()
    # What the mistake quotes came from outside: it must not steer the terminal.
    print("".join(c if c.isprintable() or c in f"\n{red}" else "�" for c in text), file=sys.stderr)
    return 2
