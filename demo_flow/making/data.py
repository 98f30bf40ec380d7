"""The training data: pictures, and texts with the items that they mean.

In: the catalogue's items. Out: `Corpus` (everything once, as arrays) and `TextSampler` (endless shopping phrases with
the items that each one means). State: the sampler's random generator.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import ascii_lowercase, digits

import numpy as np
import numpy.typing as npt

from demo_flow.catalogue.item import Item
from demo_flow.making.typos import add_typo
from demo_flow.making.words import languages
from demo_flow.model.features import normalise
from demo_flow.model.pixels import preprocess_image

ANY_COLOUR = -1
_FAVOURED = {"en": 4.0, "de": 2.5, "es": 2.5}  # how much more often than the other languages


_DESCRIBED = 0.2  # the share of long descriptions among the texts


@cache
def descriptions() -> Mapping[str, Mapping[str, list[str]]]:
    """What descriptions are made of beside names, by language: words before the name, and phrases after it."""
    file = Path(__file__).parent / "descriptions.json"
    return json.loads(file.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text in one language that means some concepts.

    Attributes:
        text: as a shopper types it.
        concepts: the numbers of all concepts it stands for ("clothing" stands for many).
    """

    text: str
    concepts: tuple[int, ...]


class Corpus:
    """The catalogue as arrays, with every phrase of every concept by language."""

    def __init__(self, items: Sequence[Item], left_out_keywords: frozenset[tuple[str, str]] = frozenset()) -> None:
        """Number the concepts and colours of `items` and collect their phrases.

        Args:
            items: what to learn.
            left_out_keywords: (language, normalised keyword) pairs that must not be learnt.
        """
        self.items = tuple(items)
        self.concepts = sorted({item.concept for item in items})
        self.colours = sorted({item.colour for item in items if item.colour})
        number = {concept: index for index, concept in enumerate(self.concepts)}
        self.item_concept = np.array([number[item.concept] for item in items])
        self.item_colour = np.array([self.colours.index(i.colour) if i.colour else len(self.colours) for i in items])
        self.colours_of: dict[int, list[int]] = defaultdict(list)
        for concept, colour in zip(self.item_concept, self.item_colour, strict=True):
            if colour < len(self.colours):
                self.colours_of[int(concept)].append(int(colour))
        self.phrases = {code: self._phrases(code, left_out_keywords) for code in languages()}

    def pixels(self) -> npt.NDArray[np.float32]:
        """All pictures: float32 [items, 3, 64, 64]."""
        return np.stack([preprocess_image(item.image) for item in self.items])

    def _phrases(self, code: str, left_out: frozenset[tuple[str, str]]) -> list[list[Phrase]]:
        """The phrases of each concept in one language, the concept's name first."""
        meant: dict[str, set[int]] = defaultdict(set)
        texts: list[list[str]] = [[] for _ in self.concepts]
        for item, concept in zip(self.items, self.item_concept, strict=True):
            if item.colour is None:
                keywords = [word for word in item.keywords[code] if (code, normalise(word)) not in left_out]
                texts[concept] = [item.names[code], *(word for word in keywords if normalise(word))]
                for text in texts[concept]:
                    meant[normalise(text)].add(int(concept))
        phrases = [[Phrase(text, tuple(sorted(meant[normalise(text)]))) for text in found] for found in texts]
        for concept, found in enumerate(phrases):
            found[:1] = [Phrase(name.text, (concept,)) for name in found[:1]]  # though others may have it as a keyword
        return phrases


class TextSampler:
    """Makes up searches: a name or keyword, perhaps with a colour, other words around it, and a slip of the finger."""

    def __init__(self, corpus: Corpus, seed: int) -> None:
        """Sample from `corpus`; the same `seed` gives the same texts."""
        self._corpus = corpus
        self._rng = random.Random(seed)  # noqa: S311 (no secret)
        self._codes = list(languages())
        self._weights = [_FAVOURED.get(code, 1.0) for code in self._codes]

    def sample(self, count: int, for_items: Sequence[int] = ()) -> tuple[list[str], npt.NDArray[np.bool_]]:
        """`count` texts and, as bool [count, items], which items each one means.

        Args:
            count: how many.
            for_items: the first texts are about these items; the others about concepts drawn evenly.
        """
        corpus, rng = self._corpus, self._rng
        texts: list[str] = []
        concepts = np.zeros((count, len(corpus.concepts)), dtype=np.bool_)
        colours = np.full(count, ANY_COLOUR)
        for row in range(count):
            if row < len(for_items):
                item = for_items[row]
                concept, own = int(corpus.item_concept[item]), int(corpus.item_colour[item])
                colour = own if own < len(corpus.colours) and rng.random() < 0.7 else ANY_COLOUR
            else:
                concept = rng.randrange(len(corpus.concepts))
                choices = corpus.colours_of[concept]
                colour = rng.choice(choices) if choices and rng.random() < 0.35 else ANY_COLOUR
            text, meant = self._phrase(concept, colour)
            texts.append(text)
            concepts[row, list(meant)] = True
            colours[row] = colour
        fits = (colours[:, None] == ANY_COLOUR) | (colours[:, None] == corpus.item_colour[None])
        return texts, concepts[:, corpus.item_concept] & fits

    def nonsense(self, count: int) -> list[str]:
        """`count` texts that mean no item: letters at random, or those of a phrase in another order."""
        rng = self._rng
        texts = []
        for _ in range(count):
            if rng.random() < 0.75:
                words = (
                    "".join(rng.choices(ascii_lowercase + digits, k=rng.randint(2, 9)))
                    for _ in range(rng.randint(1, 3))
                )
                texts.append(" ".join(words))
            else:
                letters = list(self._phrase(rng.randrange(len(self._corpus.concepts)), ANY_COLOUR)[0])
                rng.shuffle(letters)
                texts.append("".join(letters))
        return texts

    def _phrase(self, concept: int, colour: int) -> tuple[str, tuple[int, ...]]:
        rng = self._rng
        if rng.random() < _DESCRIBED:
            return self._description(concept, colour)
        code = rng.choices(self._codes, self._weights)[0]
        language = languages()[code]
        phrases = self._corpus.phrases[code][concept]
        phrase = phrases[0] if len(phrases) == 1 or rng.random() < 0.5 else rng.choice(phrases[1:])
        text = phrase.text
        if colour != ANY_COLOUR:
            name = self._corpus.colours[colour]
            if phrase is phrases[0] and rng.random() < 0.3:
                text = language.coloured(text, name)
            else:
                text = self._beside(text, rng.choice(language.colours[name]))
        if rng.random() < 0.15:
            text = self._beside(text, rng.choice(language.modifiers))
        if rng.random() < 0.08:
            words = text.split()
            rng.shuffle(words)
            text = " ".join(words)
        if rng.random() < 0.4:
            text = add_typo(text, rng)
        return text, phrase.concepts

    def _description(self, concept: int, colour: int) -> tuple[str, tuple[int, ...]]:
        """A long text: a thing, perhaps a keyword of it and its colour, among words that say nothing about it."""
        rng = self._rng
        code = rng.choices(self._codes, self._weights)[0]
        phrases, words = self._corpus.phrases[code][concept], descriptions()[code]
        phrase = phrases[0] if len(phrases) == 1 or rng.random() < 0.7 else rng.choice(phrases[1:])
        meant = set(phrase.concepts)
        parts = rng.sample(words["more"], rng.randint(1, 6))
        if len(phrases) > 1 and rng.random() < 0.4:
            further = rng.choice(phrases[1:])
            meant &= set(further.concepts)
            parts.append(further.text)
        if colour != ANY_COLOUR:
            parts.append(rng.choice(languages()[code].colours[self._corpus.colours[colour]]))
        rng.shuffle(parts)
        strange = self.nonsense(1) if rng.random() < 0.5 else []  # words that no training can know
        text = " ".join([rng.choice(words["first"]), phrase.text, *parts, *strange])
        return (add_typo(text, rng) if rng.random() < 0.4 else text), tuple(meant)

    def _beside(self, text: str, word: str) -> str:
        return f"{word} {text}" if self._rng.random() < 0.5 else f"{text} {word}"
