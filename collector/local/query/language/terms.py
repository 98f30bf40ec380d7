"""What a filter consists of: terms, each a key, an operator and values; and the error of one that cannot be read."""

from dataclasses import dataclass

from collector.local.errors import QueryError

ANY_VALUE = "*"
"""As an unquoted value: the key is there, whatever its value."""


@dataclass(frozen=True)
class Term:
    """One condition; all terms of a filter must hold."""

    key: str
    operator: str
    """`=`, `!=`, `>`, `>=`, `<`, `<=`, `~` (contains), `!~`."""
    values: tuple[str, ...]
    """Of `=`, `!=`, `~` and `!~` several: any of them. Without any: the key is there, or with `!=` is not."""
    at: int = 0
    """Where it begins in the text, from 0."""
    value_at: int = 0
    """Where its values begin."""
    quoted: bool = False
    """The key was in quotes: it is an attribute's, even if a field has the same name."""


class FilterError(QueryError):
    """A filter that cannot be read, with the place of the mistake."""

    def __init__(self, message: str, at: int, hint: str) -> None:
        super().__init__("bad_request", f"The filter cannot be read at character {at + 1}: {message}", hint)
        self.reason = message
        self.at = at
