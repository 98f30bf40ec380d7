"""An item of a catalogue: one thing with a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """One thing in a catalogue.

    Attributes:
        id: unique and stable, such as `coat-black`.
        concept: what it is, whatever its colour, such as `coat`; in an own catalogue the same as `id`.
        colour: the colour variant it is (`black`), or None for the thing as it was drawn.
        category: its category, such as `clothing`; may be empty in an own catalogue.
        names: its name by language code; never empty.
        keywords: further words by language code.
        price_cents: the price in hundredths of the currency.
        image: the picture as an encoded file (WebP, PNG, JPEG, …).
    """

    id: str
    concept: str
    colour: str | None
    category: str
    names: Mapping[str, str]
    keywords: Mapping[str, tuple[str, ...]]
    price_cents: int
    image: bytes

    @property
    def name(self) -> str:
        """The English name, or the first one if there is none."""
        return self.names.get("en") or next(iter(self.names.values()))
