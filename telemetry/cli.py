"""The `telemetry` command, to which other packages add subcommands.

They register functions `add(subparsers)` as entry points of `GROUP`, so this package does not import them. Each parser
sets `run`, a function from the parsed arguments to the exit status. The status is 2 for a user's mistake, 1 if the
output cannot be written; both are reported in a line or two, never with a stack trace. Ctrl-C ends a command that sets
`leaves_nothing=True` at once; others get a KeyboardInterrupt.
"""

import argparse
import errno
import os
import re
import shutil
import signal
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import entry_points, version
from typing import Any, Final, NoReturn, TextIO

from telemetry.errors import TelemetryError, did_you_mean

GROUP = "search_telemetry.commands"
_UNWRITABLE: Final = frozenset(
    {errno.ENOSPC, errno.EPIPE, errno.EBADF, errno.EIO, errno.EFBIG, errno.EDQUOT, errno.ENXIO}
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    is_process = argv is None
    if is_process:
        _prepare_process()
    try:
        status = _command(sys.argv[1:] if argv is None else argv, is_process)
        sys.stdout.flush()
    except TelemetryError as error:
        return _fail(error)
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        if not is_output_error(error):
            raise
        return output_lost(error)
    return status


def is_output_error(error: OSError) -> bool:
    """Return whether an error is about standard output, and not about a file that a command has opened."""
    return error.filename is None and error.errno in _UNWRITABLE


def output_lost(error: OSError) -> int:
    """Report that standard output cannot be written; return the exit status.

    If the reader has closed the pipe, as `head` does, nothing is reported, and the status is 0.
    """
    _discard(sys.stdout)
    if isinstance(error, BrokenPipeError):
        return 0
    _print_error(f"The output cannot be written: {error.strerror}.")
    return 1


def _discard(stream: TextIO) -> None:
    """Redirect a stream to the null device, also its buffer, which Python would fail to flush at its exit."""
    with suppress(OSError, ValueError):  # not a file
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _prepare_process() -> None:
    """Let Ctrl-C end the process without a traceback, and make standard output and error accept any text."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
    if sys.stdout is None:  # closed by the parent process: writing to it is an error, as on a full disk
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")


def _command(words: Sequence[str], is_process: bool) -> int:
    parser = Parser(prog="telemetry", description="Traces, metrics and logs of search pipelines.")
    parser.add_argument("--version", action="version", version=version("search-telemetry"))
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND")
    parser.missing = _add_commands(subparsers)
    if parser.missing and not subparsers.choices and any(not word.startswith("-") for word in words):
        raise parser.missing
    try:
        args = parser.parse_args(words)
    except SystemExit as end:  # from --help and --version; not an exit yet, since standard output must be flushed
        return int(end.code or 0)
    if hasattr(args, "run"):
        with _interrupts(is_process and not getattr(args, "leaves_nothing", False)):
            return _run(args)
    parser.print_help()
    if parser.missing:
        raise parser.missing
    return 2


def _run(args: argparse.Namespace) -> int:
    try:
        return int(args.run(args))
    except ModuleNotFoundError as error:
        raise _missing(error, args.extra) from error


@contextmanager
def _interrupts(are_raised: bool) -> Iterator[None]:
    """Let Ctrl-C raise `KeyboardInterrupt` in this block, for a command that has to clean up."""
    if not are_raised or signal.getsignal(signal.SIGINT) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


class Parser(argparse.ArgumentParser):
    """An argparse parser that raises `TelemetryError` for mistakes, and proposes the nearest name."""

    missing: TelemetryError | None = None
    """Why a command may be missing: the packages of an extra are not installed."""

    def format_help(self) -> str:
        """As in argparse, but the usage is wrapped at the width of the terminal."""
        usage, blank, rest = super().format_help().partition("\n\n")
        width = shutil.get_terminal_size().columns - 2  # the width that argparse uses
        plain = re.sub(r"\x1b\[[\d;]*m", "", usage)  # without the colours of Python 3.14
        if max(map(len, plain.splitlines())) > width:
            whole = [part.replace(" ", "\0") for part in re.findall(r"\[[^]]*\]+|\S+", plain)]
            lines = textwrap.wrap(" ".join(whole), width, subsequent_indent="  ", break_on_hyphens=False)
            usage = "\n".join(lines).replace("\0", " ")
        return usage + blank + rest

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As in argparse, but unknown arguments are reported by the subparser, which knows the valid ones."""
        found, unknown = super().parse_known_args(args, namespace)
        if not unknown:
            return found, unknown
        word = unknown[0].partition("=")[0]
        if not word.startswith("-"):
            raise TelemetryError(f"{self.prog} takes no argument {word!r}.", self._help())
        options = [name for name in self._option_string_actions if name.startswith("--")]
        raise TelemetryError(f"{self.prog} has no option {word}.", did_you_mean(word, options) or self._help())

    def error(self, message: str) -> NoReturn:
        """Raise a `TelemetryError` with argparse's message; its second line, if any, is the hint."""
        problem, _, hint = message.partition("\n")
        if of := re.fullmatch(r"argument (\S+): (.+)", problem, re.DOTALL):
            problem = f"{of[1]} {of[2]}" if of[2].startswith("'") else f"{of[1]}: {of[2]}"
        problem = problem[:1].upper() + problem[1:]
        raise TelemetryError(problem if problem.endswith(".") else f"{problem}.", hint or self._help())

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        choices = None if action.choices is None else list(action.choices)
        if choices is None or value in choices:
            return
        near, known = did_you_mean(str(value), choices), ", ".join(map(str, choices))
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001  argparse has no public name for it
            if self.missing and not near:
                raise self.missing
            what = (action.metavar if isinstance(action.metavar, str) else "command").lower()
            raise TelemetryError(f"{self.prog} has no {what} {value!r}.", near or f"Choose from: {known}.")
        name = "/".join(action.option_strings) or str(action.metavar or action.dest)
        raise TelemetryError(f"{name} {value!r} is not one of {known}.", near or self._help())

    def _print_message(self, message: str, file: Any = None) -> None:
        (file or sys.stderr).write(message)  # argparse ignores errors here, such as a full disk

    def _help(self) -> str:
        return f"See {self.prog} --help."


def _add_commands(subparsers: "argparse._SubParsersAction[Parser]") -> TelemetryError | None:
    """Add the commands of all entry points; return an error if the packages of one are not installed."""
    entries = sorted(entry_points(group=GROUP))
    missing = None
    if all(entry.value.startswith("telemetry.") for entry in entries):  # the library's own
        missing = TelemetryError("The collector's commands are not installed.", _hint("local"))
    for entry in entries:
        known = set(subparsers.choices)
        try:
            entry.load()(subparsers)
        except ModuleNotFoundError as error:
            missing = _missing(error, entry.name)
        for name in subparsers.choices.keys() - known:
            subparsers.choices[name].set_defaults(extra=entry.name)
    return missing


def _missing(error: ModuleNotFoundError, extra: str) -> TelemetryError:
    return TelemetryError(f"The package {error.name} is not installed.", _hint(extra))


def _hint(extra: str) -> str:
    return f"pip install 'search-telemetry[{extra}]'"


def _fail(error: TelemetryError) -> int:
    _print_error(error.message, error.hint)
    return 2


def _print_error(message: str, hint: str = "") -> None:
    coloured = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    red, plain = ("\x1b[31m", "\x1b[0m") if coloured else ("", "")
    text = f"{red}{message}{plain}\n{hint}".rstrip()
    # The message may quote input, which must not control the terminal.
    try:
        print("".join(c if c.isprintable() or c in f"\n{red}" else "�" for c in text), file=sys.stderr)
    except OSError:  # standard error cannot be written either: only the exit status remains
        _discard(sys.stderr)
