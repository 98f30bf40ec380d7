"""Tells a person what went wrong: no stack trace, red where the terminal has it.

In: message and mend. Out: lines on standard error, and the exit status. State: none.
"""

import os
import sys


def fail(message: str, mend: str, status: int) -> int:
    """Print a mistake and its mend; return `status`."""
    coloured = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    red, plain = ("\x1b[31m", "\x1b[0m") if coloured else ("", "")
    print(f"{red}{message}{plain}\n{mend}".rstrip(), file=sys.stderr)
    return status
