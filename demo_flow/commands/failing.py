"""Prints errors on standard error: message and hint, red where the terminal has colours."""

import io
import os
import sys


def print_anything() -> None:
    """Let what the terminal cannot show, such as € in an ASCII one, appear as `?` instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def fail(message: str, hint: str, status: int) -> int:
    """Print an error and its hint; return `status`."""
    coloured = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    red, plain = ("\x1b[31m", "\x1b[0m") if coloured else ("", "")
    print(f"{red}{message}{plain}\n{hint}".rstrip(), file=sys.stderr)
    return status
