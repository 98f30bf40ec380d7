"""Typing errors, as shoppers make them."""

from __future__ import annotations

import random

_NEIGHBOURS = {
    "q": "wa", "w": "qes", "e": "wrd", "r": "etf", "t": "ryg", "y": "tuh", "u": "yij", "i": "uok", "o": "ipl",
    "p": "ol", "a": "qsz", "s": "adwx", "d": "sfec", "f": "dgrv", "g": "fhtb", "h": "gjyn", "j": "hkum",
    "k": "jlim", "l": "kop", "z": "xas", "x": "zcsd", "c": "xvdf", "v": "cbfg", "b": "vngh", "n": "bmhj", "m": "njk",
}  # fmt: skip


def add_typo(text: str, rng: random.Random) -> str:
    """`text` with two letters swapped, or one left out, doubled, inserted or replaced; as it is under 3 letters."""
    places = [place for place, character in enumerate(text) if character.isalpha()]
    if len(places) < 3:
        return text
    at = rng.choice(places)
    slip = rng.choice(("swap", "drop", "double", "insert", "replace"))
    if slip == "swap":
        before = at if at + 1 < len(text) and text[at + 1].isalpha() else at - 1
        before = max(before, 0)
        return text[:before] + text[before + 1] + text[before] + text[before + 2 :]
    if slip == "drop":
        return text[:at] + text[at + 1 :]
    if slip == "double":
        return text[:at] + text[at] + text[at:]
    letter = _letter_near(text, at, places, rng)
    return text[:at] + letter + text[at if slip == "insert" else at + 1 :]


def _letter_near(text: str, at: int, places: list[int], rng: random.Random) -> str:
    """A key beside this letter's, or in other scripts another letter of the same text."""
    near = _NEIGHBOURS.get(text[at].casefold())
    return rng.choice(near) if near else text[rng.choice(places)]
