"""What a user can get wrong, said so that it can be fixed.

In: the text of a mistake and of its fix. Out: exceptions that commands print without a stack trace; the names nearest
to one that is unknown. State: none.
"""

from collections.abc import Iterable, Sequence


class TelemetryError(Exception):
    """A user's mistake: `message` says what is wrong and where, `hint` says what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}\n{hint}" if hint else message)
        self.message = message
        self.hint = hint


class ConfigurationError(TelemetryError):
    """Every mistake in the settings at once.

    Arguments: `problems`, one sentence for each, naming the variable, its value (never a secret) and the fix.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        heading = "1 setting is wrong" if count == 1 else f"{count} settings are wrong"
        super().__init__("\n".join((f"{heading}:", *(f"  {problem}" for problem in self.problems))))


def nearest(word: str, names: Iterable[str], count: int = 3) -> list[str]:
    """The names that are most like a misspelt one, best first; none where nothing is like it.

    Case and the signs between words (`.`, `_`, `-`, `/`, spaces) do not matter, and a word that begins or ends a name
    is like it: `search_request_duration_seconds` finds `search.request.duration`, `http` finds `http/protobuf`. So are
    two letters of which one is another, or which have changed places: `gv` and `wg` find `gw`.
    """
    import difflib  # here, since only a mistake needs it

    def plain(text: str) -> str:
        return "".join(char for char in text.casefold() if char.isalnum())

    asked = plain(word)[:200]
    if not asked:
        return []

    def likeness(name: str) -> float:
        other = plain(name)[:200]
        ends = min(len(asked), len(other)) >= 2 and any(
            long.startswith(short) or long.endswith(short) for long, short in ((asked, other), (other, asked))
        )
        are_pairs = len(asked) == len(other) == 2 and (asked + other).isalpha()
        is_slip = are_pairs and (asked == other[::-1] or any(map(str.__eq__, asked, other)))
        return max(difflib.SequenceMatcher(None, asked, other).ratio(), 0.7 if ends else 0.6 if is_slip else 0.0)

    rated = sorted(((likeness(name), name) for name in dict.fromkeys(names)), key=lambda item: (-item[0], item[1]))
    return [name for rating, name in rated[:count] if rating >= max(0.6, rated[0][0] - 0.15)]


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """`Did you mean NAME?`, of several `NAME or NAME?`; empty where no name is like the word."""
    near = nearest(word, names)
    return f"Did you mean {' or '.join((', '.join(near[:-1]), near[-1])) if near[1:] else near[0]}?" if near else ""


ExceptionClasses = tuple[type[BaseException], ...]


def exception_classes(classes: object) -> ExceptionClasses:
    """Take exception classes that a user gives, one or several. Raises `ValueError`."""
    listed = tuple(classes) if isinstance(classes, Iterable) and not isinstance(classes, str) else (classes,)
    wrong = [one for one in listed if not (isinstance(one, type) and issubclass(one, BaseException))]
    if wrong:
        raise ValueError(f"has {wrong[0]!r}, which is not a class of exceptions; write (LookupError,)")
    return listed
