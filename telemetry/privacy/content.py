"""Records the texts of the documents that an endpoint was given, where `capture_content` asks for it.

In: the documents of a call. Out: their first characters, scrubbed, as an attribute of the endpoint's span; nothing by
default. State: the limits that `configure` set.

Looked at are the first documents of a list, of a tuple, or of what has a length and gives items by number, as the
lists of Jina and of protocol buffers do. Of a document only a text is taken: itself, its `text`, its key `text`.
Nothing is turned into text, no iterator is consumed, and no document is kept.
"""

from collections.abc import Mapping, Sized
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is recorded: of how many documents, how many characters of each."""

    documents: int
    characters: int


class _Process:
    """What this process records."""

    limits: Limits | None = None


def use(limits: Limits | None) -> None:
    """Record this much from now on; None: nothing."""
    _Process.limits = limits


def texts_of(documents: object) -> list[str]:
    """Return the texts to record, in order. Never raises."""
    limits = _Process.limits
    if limits is None or not _is_listed(documents):
        return []
    from telemetry.privacy.scrubber import MARGIN, current  # by whom it is wanted, it is loaded

    texts = (_text(document, limits.characters + MARGIN) for document in _first(documents, limits.documents))
    scrubber = current()
    return [scrubber.text(text)[: limits.characters] for text in texts if text]


def _is_listed(documents: object) -> bool:
    if isinstance(documents, list | tuple):
        return True
    return (
        isinstance(documents, Sized)
        and hasattr(documents, "__getitem__")
        and not isinstance(documents, str | bytes | bytearray | memoryview | Mapping)
    )


def _first(documents: Any, count: int) -> list[object]:
    if isinstance(documents, list | tuple):
        return list(documents[:count])
    try:
        return [documents[place] for place in range(min(count, len(documents)))]
    except Exception:  # noqa: BLE001  a class of the user's: anything can be raised here
        return []


def _text(document: object, longest: int) -> str:
    text: object = document
    if not isinstance(document, str):
        try:
            text = dict.get(document, "text") if isinstance(document, dict) else getattr(document, "text", None)
        except Exception:  # noqa: BLE001  a property of the user's
            return ""
    return str.__getitem__(text, slice(longest)) if isinstance(text, str) else ""
