"""Exceptions for users' mistakes, with hints; commands print them without a stack trace."""

from collections.abc import Iterable, Sequence


class TelemetryError(Exception):
    """A user's mistake: `message` is what is wrong and where, `hint` is what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}\n{hint}" if hint else message)
        self.message = message
        self.hint = hint


class ConfigurationError(TelemetryError):
    """All mistakes in the settings.

    Arguments: `problems`, a sentence for each, with the variable, its value (never a secret) and a hint.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        heading = "1 setting is wrong" if count == 1 else f"{count} settings are wrong"
        super().__init__("\n".join((f"{heading}:", *(f"  {problem}" for problem in self.problems))))


def nearest(word: str, names: Iterable[str], count: int = 3) -> list[str]:
    """Return the names most similar to a misspelt one, best first; an empty list if none is similar.

    Case and separators (`.`, `_`, `-`, `/`, spaces) do not matter, and a name that starts or ends with the word is
    similar: `search_request_duration_seconds` finds `search.request.duration`, `http` finds `http/protobuf`. So is a
    name of two letters with one wrong or both swapped: `gv` and `wg` find `gw`.
    """
    import difflib  # only mistakes need it

    def plain(text: str) -> str:
        return "".join(char for char in text.casefold() if char.isalnum())

    asked = plain(word)[:200]
    if not asked:
        return []

    def similarity(name: str) -> float:
        other = plain(name)[:200]
        ends = min(len(asked), len(other)) >= 2 and any(
            long.startswith(short) or long.endswith(short) for long, short in ((asked, other), (other, asked))
        )
        are_pairs = len(asked) == len(other) == 2 and (asked + other).isalpha()
        is_slip = are_pairs and (asked == other[::-1] or any(map(str.__eq__, asked, other)))
        return max(difflib.SequenceMatcher(None, asked, other).ratio(), 0.7 if ends else 0.6 if is_slip else 0.0)

    rated = sorted(((similarity(name), name) for name in dict.fromkeys(names)), key=lambda item: (-item[0], item[1]))
    return [name for rating, name in rated[:count] if rating >= max(0.6, rated[0][0] - 0.15)]


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """Return `Did you mean NAME?` or `Did you mean NAME or NAME?`; "" if no name is similar."""
    near = nearest(word, names)
    return f"Did you mean {' or '.join((', '.join(near[:-1]), near[-1])) if near[1:] else near[0]}?" if near else ""


ExceptionClasses = tuple[type[BaseException], ...]


def exception_classes(classes: object) -> ExceptionClasses:
    """Return the exception classes that a user gave, one or several, as a tuple. Raises `ValueError`."""
    listed = tuple(classes) if isinstance(classes, Iterable) and not isinstance(classes, str) else (classes,)
    wrong = [one for one in listed if not (isinstance(one, type) and issubclass(one, BaseException))]
    if wrong:
        raise ValueError(f"has {wrong[0]!r}, which is not an exception class; write (LookupError,)")
    return listed
