"""Chooses the score under which `pamazon-tiny` found nothing: `python -m demo_flow.making.calibrate`.

In: the model and the catalogue; searches of shoppers (names, keywords and names with a typo in every language), and
nonsense of several kinds. Out: `threshold.json` beside the model: the threshold, how it was chosen, and which share of
each kind lies on the right side of it. The same on every run, up to what another processor rounds differently.

A search's score is that of its best picture. The threshold is the one with the largest sum of two shares: of the
shoppers' searches at or above it, and of the nonsense below it (Youden's index). Each kind counts the same.
"""

from __future__ import annotations

import argparse
import json
import random
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from demo_flow.catalogue.catalogue import load
from demo_flow.making.measure import Shop
from demo_flow.making.words import languages
from demo_flow.model import THRESHOLD
from demo_flow.model.tiny import HERE, Tiny

NONSENSE = Path(__file__).parent / "nonsense.json"
SEED = 23
COUNT = 400  # texts of each kind of nonsense that is made up
KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
STEPS = np.arange(0.0, 1.0, 0.01)

Scores: TypeAlias = Mapping[str, npt.NDArray[np.float32]]
"""The best score of each search, by the kind of search."""


def shoppers(shop: Shop) -> dict[str, list[str]]:
    """What shoppers type, by kind."""
    found: dict[str, list[str]] = {"names": [], "names with one typo": [], "keywords": []}
    for code in languages():
        for kind, searches in zip(found, (shop.names, shop.names_with_typo, shop.keywords), strict=True):
            found[kind] += [search.text for search in searches(code)]
    return found


def nonsense(names: Sequence[str]) -> dict[str, list[str]]:
    """What means nothing that is sold, by kind; `names` are those of the goods, whose letters are mixed up."""
    rng = random.Random(SEED)  # noqa: S311 (no secret)
    long = [name for name in names if len(name) > 6]
    made_up: dict[str, list[str]] = {
        "random letters": [_words(rng, string.ascii_lowercase) for _ in range(COUNT)],
        "random digits": [_words(rng, string.digits) for _ in range(COUNT)],
        "keys side by side": [_mash(rng) for _ in range(COUNT)],
        "names with their letters mixed": [_mix(rng, rng.choice(long)) for _ in range(COUNT)],
    }
    written: dict[str, list[str]] = json.loads(NONSENSE.read_text(encoding="utf-8"))
    return made_up | written


def choose(real: Scores, noise: Scores) -> float:
    """The step with the largest mean share of `real` at or above it plus mean share of `noise` below it."""
    sums = [_mean(real, step) + 1.0 - _mean(noise, step) for step in STEPS]
    return round(float(STEPS[int(np.argmax(sums))]), 2)


def calibrate(shop: Shop) -> dict[str, Any]:
    """What `threshold.json` holds."""
    real = {kind: _best(shop, texts) for kind, texts in shoppers(shop).items()}
    names = [name for item in shop.bases() for name in item.names.values()]
    noise = {kind: _best(shop, texts) for kind, texts in nonsense(names).items()}
    threshold = choose(real, noise)
    return {
        "threshold": threshold,
        "chosen": "largest sum of the share of searches at or above it and the share of nonsense below it",
        "searches": {kind: _facts(scores, float((scores >= threshold).mean())) for kind, scores in real.items()},
        "nonsense": {kind: _facts(scores, float((scores < threshold).mean())) for kind, scores in noise.items()},
    }


def _best(shop: Shop, texts: Sequence[str]) -> npt.NDArray[np.float32]:
    parts = [texts[start : start + 256] for start in range(0, len(texts), 256)]
    return np.concatenate([(shop.model.encode_texts(part) @ shop.vectors.T).max(axis=1) for part in parts])


def _mean(scores: Scores, step: float) -> float:
    """The mean over the kinds of the share at or above `step`."""
    return float(np.mean([(kind >= step).mean() for kind in scores.values()]))


def _facts(scores: npt.NDArray[np.float32], right: float) -> dict[str, Any]:
    return {"count": len(scores), "right": round(right, 3), "median": round(float(np.median(scores)), 2)}


def _words(rng: random.Random, letters: str) -> str:
    return " ".join("".join(rng.choices(letters, k=rng.randint(3, 9))) for _ in range(rng.randint(1, 3)))


def _mash(rng: random.Random) -> str:
    """Neighbouring keys from some place on, once or several times."""
    row = rng.choice(KEYS)
    start = rng.randrange(len(row) - 3)
    return row[start : start + rng.randint(3, 6)] * rng.randint(1, 3)


def _mix(rng: random.Random, name: str) -> str:
    letters = list(name)
    rng.shuffle(letters)
    return "".join(letters)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Choose the score under which pamazon-tiny found nothing.")
    parser.add_argument("--model", type=Path, default=HERE, help="folder of the model (default: %(default)s)")
    folder = parser.parse_args().model
    found = calibrate(Shop(Tiny(folder), load()))
    (folder / THRESHOLD).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(f"threshold {found['threshold']}: {folder / THRESHOLD}")


if __name__ == "__main__":
    main()
