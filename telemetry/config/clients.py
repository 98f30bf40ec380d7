"""Checks of the closed lists of clients: their platforms, and their regions, which are countries.

In: names, from a variable or an argument. Out: the names in lower case. The codes are those of ISO 3166-1 alpha-2.
"""

from typing import Final

from telemetry import conventions as c
from telemetry.config import checks

_SECOND_LETTERS: Final = {
    "a": "defgilmoqrstuwxz", "b": "abdefghijlmnoqrstvwyz", "c": "acdfghiklmnoruvwxyz", "d": "ejkmoz", "e": "ceghrst",
    "f": "ijkmor", "g": "abdefghilmnpqrstuwy", "h": "kmnrtu", "i": "delmnoqrst", "j": "emop", "k": "eghimnprwyz",
    "l": "abcikrstuvy", "m": "acdefghklmnopqrstuvwxyz", "n": "acefgilopruz", "o": "m", "p": "aefghklmnrstwy",
    "q": "a", "r": "eosuw", "s": "abcdeghijklmnorstvxyz", "t": "cdfghjklmnortvwz", "u": "agmsyz", "v": "aceginu",
    "w": "fs", "y": "et", "z": "amw",
}  # fmt: skip
"""Of the codes of countries, by their first."""
_COUNTRIES: Final = frozenset(first + second for first, letters in _SECOND_LETTERS.items() for second in letters)
_MEANT: Final = {"uk": "gb", "en": "gb", "el": "gr"}
"""Codes that are often taken for a country's."""


def platforms(raw: object) -> tuple[str, ...]:
    """Accept names of platforms."""
    return _listed(raw, c.CLIENT_PLATFORM, "web,ios") or c.PLATFORMS


def regions(raw: object) -> tuple[str, ...]:
    """Accept two-letter codes of countries."""
    names = _listed(raw, c.CLIENT_REGION, "de,us")
    wrong = next((name for name in names if name not in _COUNTRIES), None)
    if wrong is not None:
        advice = _MEANT.get(wrong, "de,us")
        raise ValueError(f"has {wrong!r}, which is not a country's two letters in ISO 3166; write {advice}")
    return names


def _listed(raw: object, attribute: c.Attribute, example: str) -> tuple[str, ...]:
    most = attribute.limit or 0
    names = tuple(dict.fromkeys(name.lower() for name in checks.names(raw)))
    wrong = next((name for name in names if not name.isprintable() or len(name) > checks.LONGEST_NAME), None)
    if wrong is not None:
        raise ValueError(f"has {checks.redacted(wrong, secret=False)}, which is not a name; write {example}")
    if len(names) > most:
        raise ValueError(f"has {len(names)} names, and {attribute.name} has at most {most}; name those that matter")
    return names
