"""Text for a terminal, without characters that control the terminal or that it cannot show."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any, NoReturn

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleDimensions

MIN_WIDTH, MAX_WIDTH = 40, 160


@dataclass(frozen=True)
class Glyphs:
    """The characters for drawing."""

    branch: str
    last: str
    along: str
    critical: str
    error: str
    event: str
    ellipsis: str
    separator: str
    bar: tuple[str, str, str]
    """Cells of the critical path: a full one, its right half, its left half."""
    thin: tuple[str, str, str]
    """The same, off the critical path."""
    blocks: str
    """Eighths of a cell, increasing."""
    micro: str


UNICODE = Glyphs("├", "└", "│", "●", "✗", "•", "…", "·", ("━", "╺", "╸"), ("─", "╶", "╴"), " ▁▂▃▄▅▆▇█", "µ")
ASCII = Glyphs("|", "`", "|", "*", "x", "-", "~", "-", ("=", "=", "="), ("-", "-", "-"), " .:-=+*#%", "u")


class _Console(Console):
    def on_broken_pipe(self) -> NoReturn:
        """Raise in the caller: rich would end the process."""
        raise  # noqa: PLE0704 (called while the error is handled)


def make_console(file: IO[str] | None = None, width: int | None = None, *, record: bool = False) -> Console:
    """A console without markup and highlighting; with colours only on a terminal."""
    console = _Console(
        file=file, width=width, highlight=False, markup=False, emoji=False, record=record, soft_wrap=False
    )
    if width is None:
        # Rich assumes 80 columns for a dumb terminal, unless width and height are set.
        width, height = shutil.get_terminal_size() if console.is_dumb_terminal else console.size
        console.size = ConsoleDimensions(max(MIN_WIDTH, min(MAX_WIDTH, width)), height)
    return console


def glyphs_for(console: Console) -> Glyphs:
    """Unicode's characters if the output's encoding has them all, else ASCII's."""
    try:
        f"{UNICODE}".encode(console.encoding)
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE


def clean(text: Any, encoding: str = "utf-8") -> str:
    """The text in one line; characters that cannot be printed, or that control a terminal, are escaped."""
    shown = "".join(char if char.isprintable() else _escape(char) for char in str(text))
    return shown.encode(encoding, "backslashreplace").decode(encoding)


def _escape(char: str) -> str:
    return {"\n": "⏎", "\t": " "}.get(char) or char.encode("unicode_escape").decode()


def fit(text: str, width: int, glyphs: Glyphs) -> str:
    """The text in exactly `width` cells: padded, or cut with an ellipsis."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, max(0, width - cell_len(glyphs.ellipsis))) + glyphs.ellipsis if width > 0 else ""


def wrap(words: Sequence[str], width: int, glyphs: Glyphs) -> list[str]:
    """Words in lines of `width` cells; a longer word is cut."""
    lines: list[str] = []
    for whole in words:
        word = whole if cell_len(whole) <= width else fit(whole, width, glyphs)
        if lines and cell_len(lines[-1]) + 1 + cell_len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
