"""Text for a terminal: nothing in it that could steer the terminal, nothing that it cannot show.

In: text from anywhere, such as names of spans sent by strangers. Out: one-line text of known width; the signs that this
terminal can draw; a console. State: none.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any, NoReturn

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleDimensions

MIN_WIDTH, MAX_WIDTH = 40, 160


@dataclass(frozen=True)
class Glyphs:
    """The signs that drawings are made of."""

    branch: str
    last: str
    along: str
    critical: str
    error: str
    event: str
    ellipsis: str
    separator: str
    bar: tuple[str, str, str]
    """A full cell, its right half, its left half, on the critical path."""
    thin: tuple[str, str, str]
    """The same beside it."""
    blocks: str
    """Eighths of a cell, growing."""
    micro: str


UNICODE = Glyphs("├", "└", "│", "●", "✗", "•", "…", "·", ("━", "╺", "╸"), ("─", "╶", "╴"), " ▁▂▃▄▅▆▇█", "µ")
ASCII = Glyphs("|", "`", "|", "*", "x", "-", "~", "-", ("=", "=", "="), ("-", "-", "-"), " .:-=+*#%", "u")


class _Console(Console):
    def on_broken_pipe(self) -> NoReturn:
        """Leave it to the caller, whom rich would end."""
        raise  # noqa: PLE0704 (called while the error is handled)


def make_console(file: IO[str] | None = None, width: int | None = None, *, record: bool = False) -> Console:
    """A console for our output: no markup, no guessing of highlights; colours only where someone looks at them."""
    console = _Console(
        file=file, width=width, highlight=False, markup=False, emoji=False, record=record, soft_wrap=False
    )
    if width is None:
        # Rich takes each dumb terminal to be of 80 columns, unless it is told width and height.
        width, height = shutil.get_terminal_size() if console.is_dumb_terminal else console.size
        console.size = ConsoleDimensions(max(MIN_WIDTH, min(MAX_WIDTH, width)), height)
    return console


def glyphs_for(console: Console) -> Glyphs:
    """Unicode's signs where the output's encoding has them all, else ASCII's."""
    try:
        f"{UNICODE}".encode(console.encoding)
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE


def clean(text: Any, encoding: str = "utf-8") -> str:
    """The text in one line: what cannot be printed, or would steer a terminal, is written as its escape."""
    shown = "".join(char if char.isprintable() else _escape(char) for char in str(text))
    return shown.encode(encoding, "backslashreplace").decode(encoding)


def _escape(char: str) -> str:
    return {"\n": "⏎", "\t": " "}.get(char) or char.encode("unicode_escape").decode()


def fit(text: str, width: int, glyphs: Glyphs) -> str:
    """The text in exactly `width` cells: filled up, or cut with an ellipsis."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, max(0, width - cell_len(glyphs.ellipsis))) + glyphs.ellipsis if width > 0 else ""


def wrap(words: Sequence[str], width: int, glyphs: Glyphs) -> list[str]:
    """Words in as many lines of `width` cells as it takes; a word that is longer is cut."""
    lines: list[str] = []
    for whole in words:
        word = whole if cell_len(whole) <= width else fit(whole, width, glyphs)
        if lines and cell_len(lines[-1]) + 1 + cell_len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
