"""What a path of the API is: its description, its parameters, and the function that answers it. No state."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from duckdb import DuckDBPyConnection

from collector.local.api.parameters import Parameters

Answer = dict[str, Any]


@dataclass(frozen=True)
class Rows:
    """An answer that is a list: rows under a name, with the cursor of the next page."""

    name: str
    row: type
    follows: bool = False
    """Asked with `after`, it has that cursor instead of `next`."""


@dataclass(frozen=True)
class Question:
    """One path: its description, its parameters, and the function that answers it."""

    path: str
    """A name in braces matches the rest of the path."""
    brief: str
    parameters: tuple[str, ...]
    answer: Callable[[DuckDBPyConnection, str, Parameters], Answer]
    returns: Any = None
    """The class of the answer, `Rows`, or a JSON schema; None: any object."""
    is_whole: bool = False
    """Long texts in it are not cut, however long the answer is (see `bounds.py`)."""
