"""Names, keywords and colours of every concept in every language.

They come from CLDR's annotations and our own data files beside this module.

The order for a name is: our own shop name (`names.json`), else CLDR's short name. Keywords are CLDR's,
with CLDR's own name where we use another, and the shopping words that CLDR lacks (`synonyms.json`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Language:
    """One language of the shop: how it names colours, variants and plush toys.

    Attributes:
        code: the language's code, such as `de`.
        name: its English name.
        variant: template with `{name}` and `{colour}` (or `{Colour}`, capitalised).
        plush: template with `{name}` for an animal as a soft toy.
        modifiers: words that shoppers add to a name ("for men", "cheap").
        colours: the forms of each colour word; the first one is used in names.
    """

    code: str
    name: str
    variant: str
    plush: str
    modifiers: tuple[str, ...]
    colours: Mapping[str, tuple[str, ...]]

    def coloured(self, name: str, colour: str) -> str:
        """The name of the variant of `name` in `colour`."""
        word = self.colours[colour][0]
        return self.sentence(self.variant.format(name=name, colour=word, Colour=word.capitalize()))

    def sentence(self, text: str) -> str:
        """`text` with a capital first letter, as a shop writes it."""
        first = "İ" if self.code == "tr" and text[0] == "i" else text[0].upper()
        return first + text[1:]


@cache
def languages() -> Mapping[str, Language]:
    """The languages of the shop by code, English first."""
    raw = json.loads((HERE / "languages.json").read_text(encoding="utf-8"))
    return {
        code: Language(
            code=code,
            name=entry["language"],
            variant=entry["variant"],
            plush=entry["plush"],
            modifiers=tuple(entry["modifiers"]),
            colours={colour: tuple(forms) for colour, forms in entry["colours"].items()},
        )
        for code, entry in raw.items()
    }


@dataclass(frozen=True, slots=True)
class Words:
    """A concept's name (not capitalised) and keywords by language."""

    names: Mapping[str, str]
    keywords: Mapping[str, tuple[str, ...]]


class Dictionary:
    """Looks up the words of a concept; owns the annotations it has read."""

    def __init__(self, annotations: Path, derived: Path) -> None:
        """Read CLDR's files.

        Args:
            annotations: the unpacked package `cldr-annotations-full`.
            derived: the unpacked package `cldr-annotations-derived-full`.
        """
        self._cldr = {code: _read_cldr(annotations, derived, code) for code in languages()}
        self._names: dict[str, dict[str, str]] = _read_own("names.json")
        self._synonyms: dict[str, dict[str, list[str]]] = _read_own("synonyms.json")

    def look_up(self, concept: str, picture: str, plush: bool) -> Words:
        """The words of `concept`, whose CLDR entry is the one of the characters `picture` (hex, joined by `-`)."""
        character = "".join(chr(int(point, 16)) for point in picture.split("-")).replace("\ufe0f", "")
        names, keywords = {}, {}
        for code, language in languages().items():
            entry = self._cldr[code][character]
            official = entry["tts"][0]
            name = self._names.get(concept, {}).get(code, official)
            found = [official, *self._synonyms.get(concept, {}).get(code, []), *entry.get("default", [])]
            if plush:
                found.insert(0, name)
                name = language.plush.format(name=name)
            names[code] = name
            keywords[code] = tuple(word for word in dict.fromkeys(found) if word != name)
        return Words(names, keywords)


def _read_own(file: str) -> Any:
    return json.loads((HERE / file).read_text(encoding="utf-8"))


def _read_cldr(annotations: Path, derived: Path, code: str) -> dict[str, dict[str, list[str]]]:
    base = json.loads((annotations / "annotations" / code / "annotations.json").read_text(encoding="utf-8"))
    more = json.loads((derived / "annotationsDerived" / code / "annotations.json").read_text(encoding="utf-8"))
    return {**more["annotationsDerived"]["annotations"], **base["annotations"]["annotations"]}
