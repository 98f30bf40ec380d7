"""Returns the document texts to record on the endpoint's span, scrubbed and cut, if `capture_content` is set.

`configure` sets the limits; by default nothing is recorded. The first documents are taken from a list, a tuple or
another sized sequence, such as those of Jina and protocol buffers. The text of a document is the document itself if it
is a string, else its attribute or key `text`. Nothing is converted to text, and no iterator is consumed.
"""

from collections.abc import Mapping, Sized
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Limits:
    """How many documents are recorded, and how many characters of each."""

    documents: int
    characters: int


class Process:
    """The limits of this process."""

    limits: Limits | None = None


def use(limits: Limits | None) -> None:
    """Record within `limits` from now on; None: nothing."""
    Process.limits = limits


def texts_of(documents: object) -> list[str]:
    """Return the texts to record, in order. Never raises."""
    limits = Process.limits
    if limits is None or not _is_sequence(documents):
        return []
    from telemetry.privacy.scrubber import MARGIN, current  # loaded only if contents are recorded

    first = _first(documents, limits.documents)
    texts = (_text(document, limits.characters + MARGIN) for document in first)
    scrubber = current()
    return [scrubber.text(text)[: limits.characters] for text in texts if text]


def _is_sequence(documents: object) -> bool:
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
    except Exception:  # noqa: BLE001  a class of the user's may raise anything
        return []


def _text(document: object, length: int) -> str:
    text: object = document
    if not isinstance(document, str):
        try:
            text = dict.get(document, "text") if isinstance(document, dict) else getattr(document, "text", None)
        except Exception:  # noqa: BLE001  a property of the user's
            return ""
    return str.__getitem__(text, slice(length)) if isinstance(text, str) else ""
