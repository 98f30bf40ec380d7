"""Turns texts into numbers for the text tower: hashed words and hashed pieces of words.

Training and inference use this same code, so no vocabulary file has to be shipped or kept up to date.

Hashing words and their character n-grams into a fixed number of buckets is fastText's way (Bojanowski et al., 2017,
"Enriching Word Vectors with Subword Information"): a misspelt word still shares most of its pieces with the right one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

BUCKETS = 65_536
MAX_CHARACTERS = 256  # of one text; the rest is ignored, so that a huge query costs no more than a long one
MAX_WORDS = 48
MAX_PIECES = 640

_ACCENTS = re.compile("[\u0300-\u036f]")
_APOSTROPHES = re.compile("['’ʼ`]")
# Vowel signs of Arabic and of India's scripts are not \w, but belong to their word.
_NOT_A_WORD = re.compile(r"[^\w\u064b-\u0652\u0900-\u0dff]+|[_\u0964\u0965]+")
# Scripts whose words are short, or written without spaces: Han, Kana, Hangul.
_DENSE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")


@dataclass(frozen=True, slots=True)
class TextBatch:
    """Features of n texts: `words` int64 [n, w] and `pieces` int64 [n, p], padded with 0; w and p are at least 1."""

    words: npt.NDArray[np.int64]
    pieces: npt.NDArray[np.int64]

    def inputs(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays by the names of the model's inputs."""
        return {"words": self.words, "pieces": self.pieces}


def normalise(text: str) -> str:
    """One spelling for what shoppers type in many: case, width, accents, apostrophes and punctuation are dropped.

    `"Men’s Café-Jacke"` becomes `"mens cafe jacke"`.
    """
    folded = unicodedata.normalize("NFKC", text[:MAX_CHARACTERS]).casefold()
    bare = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", folded)))
    return _NOT_A_WORD.sub(" ", _APOSTROPHES.sub("", bare)).strip()


def pieces_of(word: str) -> list[str]:
    """The character n-grams of a normalised word: 2 to 4 with the word's ends marked; 1 to 3 in dense scripts."""
    if _DENSE.search(word):
        return [word[i : i + n] for n in (1, 2, 3) for i in range(len(word) - n + 1)]
    marked = f"<{word}>"
    return [marked[i : i + n] for n in (2, 3, 4) for i in range(len(marked) - n + 1)]


def bucket(token: str) -> int:
    """The number, 1 to `BUCKETS` - 1, that stands for `token`."""
    return crc32(token.encode()) % (BUCKETS - 1) + 1


def ids(text: str) -> tuple[list[int], list[int]]:
    """The buckets of one text's words, and of their pieces; both empty for a text without letters or digits."""
    words = normalise(text).split()[:MAX_WORDS]
    pieces = [piece for word in words for piece in pieces_of(word)][:MAX_PIECES]
    return [bucket(f"={word}") for word in words], [bucket(piece) for piece in pieces]


def featurise(texts: Sequence[str]) -> TextBatch:
    """Features of `texts`, in their order."""
    found = [ids(text) for text in texts]
    return TextBatch(_pad([words for words, _ in found]), _pad([pieces for _, pieces in found]))


def _pad(rows: list[list[int]]) -> npt.NDArray[np.int64]:
    width = max((len(row) for row in rows), default=0) or 1
    padded = np.zeros((len(rows), width), dtype=np.int64)
    for index, row in enumerate(rows):
        padded[index, : len(row)] = row
    return padded
