"""Measures `pamazon-tiny`: how well it finds items, and how fast it is.

A text is searched among the vectors of all pictures; a hit is any item of a concept that the text names. The model runs
on onnxruntime: no torch is needed.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.progress import track

from demo_flow.catalogue.catalogue import load
from demo_flow.catalogue.item import Item
from demo_flow.making.hold_out import HoldOut
from demo_flow.making.typos import add_typo
from demo_flow.making.words import languages
from demo_flow.model.features import featurise, normalise
from demo_flow.model.pixels import preprocess_image
from demo_flow.model.tiny import Tiny

SEED = 11


@dataclass(frozen=True, slots=True)
class Search:
    """A text and the items that would be a hit: bool [items]."""

    text: str
    hits: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Figures:
    """The quality of many searches; all but `searches` from 0 to 1."""

    searches: int
    hit_1: float
    hit_10: float
    mrr: float  # mean of 1 / rank of the first hit


class Shop:
    """All items with the vectors of their pictures; what every measurement searches."""

    def __init__(self, model: Tiny, items: Sequence[Item]) -> None:
        self.model, self.items = model, tuple(items)
        parts = [self.items[start : start + 64] for start in range(0, len(self.items), 64)]
        done = [model.encode_images([item.image for item in part]) for part in track(parts, "encoding pictures")]
        self.vectors = np.concatenate(done)
        self.concepts = np.array([item.concept for item in self.items])
        self.colours = np.array([item.colour or "" for item in self.items])

    def measure(self, searches: Sequence[Search]) -> Figures:
        """Search for all texts."""
        vectors = self.model.encode_texts([search.text for search in searches])
        order = np.argsort(-(vectors @ self.vectors.T), axis=1)
        hits = np.take_along_axis(np.stack([search.hits for search in searches]), order, axis=1)
        rank = hits.argmax(axis=1) + 1
        return Figures(
            searches=len(searches),
            hit_1=float((rank == 1).mean()),
            hit_10=float((rank <= 10).mean()),
            mrr=float((1.0 / rank).mean()),
        )

    def top(self, text: str, count: int) -> list[Item]:
        """The best items for `text`."""
        scores = self.vectors @ self.model.encode_texts([text])[0]
        return [self.items[index] for index in np.argsort(-scores)[:count]]

    def bases(self) -> list[Item]:
        """Each concept once, as it was drawn."""
        return [item for item in self.items if item.colour is None]

    def names(self, code: str) -> list[Search]:
        """The names of all concepts in one language."""
        return [Search(item.names[code], self.concepts == item.concept) for item in self.bases()]

    def names_with_typo(self, code: str) -> list[Search]:
        """The same with one typing error in each, the same ones on every run."""
        rng = random.Random(SEED)  # noqa: S311 (no secret)
        return [Search(add_typo(search.text, rng), search.hits) for search in self.names(code)]

    def coloured(self, code: str) -> list[Search]:
        """The names of all colour variants; only the variant itself is a hit."""
        return [
            Search(item.names[code], (self.concepts == item.concept) & (self.colours == item.colour))
            for item in self.items
            if item.colour is not None
        ]

    def keywords(self, code: str, wanted: frozenset[tuple[str, str]] | None = None) -> list[Search]:
        """The keywords in one language; a hit is any item of any concept that has this keyword.

        Args:
            code: the language.
            wanted: only these (language, normalised keyword) pairs; None for all.
        """
        meant: dict[str, set[str]] = {}
        for item in self.bases():
            for word in item.keywords[code]:
                key = normalise(word)
                if key and (wanted is None or (code, key) in wanted):
                    meant.setdefault(key, set()).add(item.concept)
        return [Search(text, np.isin(self.concepts, list(concepts))) for text, concepts in meant.items()]


def held_out_figures(folder: Path, held: HoldOut) -> dict[str, Any]:
    """The figures of the model in `folder`, trained without `held`, on it: by language, ready for JSON."""
    shop = Shop(Tiny(folder), load())
    by_language: dict[str, Any] = {}
    for code in languages():
        unseen = [s for s in shop.names(code) if set(shop.concepts[s.hits]) & held.concepts]
        by_language[code] = {
            "keywords": _as_json(shop.measure(shop.keywords(code, held.keywords))),
            "concepts": _as_json(shop.measure(unseen)),
        }
    return {"concepts": len(held.concepts), "keywords": len(held.keywords), "languages": by_language}


def _as_json(figures: Figures) -> dict[str, Any]:
    return {
        "searches": figures.searches,
        "hit@1": round(figures.hit_1, 3),
        "hit@10": round(figures.hit_10, 3),
        "mrr": round(figures.mrr, 3),
    }


def timings(model: Tiny, items: Sequence[Item]) -> dict[str, float]:
    """Milliseconds of one forward pass on one thread of this machine, the median of many."""
    texts, pictures = [item.name for item in items[:32]], [preprocess_image(item.image) for item in items[:32]]
    result = {}
    for count in (1, 32):
        pixels = np.stack(pictures[:count])
        result[f"text, batch {count}"] = _median(lambda count=count: model.encode_texts(texts[:count]))
        result[f"picture, batch {count}"] = _median(lambda pixels=pixels: model.encode_pixels(pixels))
    result["preparing a text"] = _median(lambda: featurise(texts)) / len(texts)
    result["preparing a picture"] = _median(lambda: preprocess_image(items[0].image))
    return result


def _median(call: Any, rounds: int = 50) -> float:
    spent = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        spent.append(time.perf_counter() - start)
    return sorted(spent)[rounds // 2] * 1000.0
