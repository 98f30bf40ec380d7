"""The shipped catalogue: what is in it, and where it comes from."""

import io
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

import demo_flow.catalogue
from demo_flow.catalogue.catalogue import Item, load
from demo_flow.catalogue.shipped import PACK
from demo_flow.making.catalogue import PRICES, read_goods
from demo_flow.making.garments.cloth import PATTERNS
from demo_flow.making.garments.table import GARMENTS, words_of
from demo_flow.making.recolour import PALETTE
from demo_flow.making.sources import ANNOTATIONS, DERIVED, PICTURES
from demo_flow.making.words import languages

HERE = Path(demo_flow.catalogue.__file__).parent
LANGUAGES = {"en", "de", "es", "fr", "it", "pt", "nl", "pl", "tr", "ru", "ar", "hi", "ja", "zh", "ko"}


@pytest.fixture(scope="module")
def items() -> Sequence[Item]:
    return load()


def test_the_pack_holds_many_goods_and_stays_small(items: Sequence[Item]) -> None:
    """At least 1,500 items, each with its own id, in a file of at most 12 MB."""
    assert len(items) >= 1_500
    assert len({item.id for item in items}) == len(items)
    assert PACK.stat().st_size <= 12_000_000


def test_every_item_has_a_name_in_every_language(items: Sequence[Item]) -> None:
    """Fifteen languages; no name is empty; keywords come in the same languages."""
    assert set(languages()) == LANGUAGES
    for item in items:
        assert set(item.names) == set(item.keywords) == LANGUAGES
        assert all(name.strip() for name in item.names.values()), item.id


@pytest.mark.parametrize("code", sorted(LANGUAGES))
def test_no_two_items_share_a_name(items: Sequence[Item], code: str) -> None:
    """A shopper can distinguish items by their names, in every language."""
    names = Counter(item.names[code] for item in items)
    assert [name for name, count in names.items() if count > 1] == []


def test_a_colour_variant_names_its_colour(items: Sequence[Item]) -> None:
    """In every language the variant's name has the language's word for the colour."""
    variants = [item for item in items if item.colour is not None]
    assert len(variants) > 1_000
    for item in variants:
        for code, language in languages().items():
            assert language.colours[item.colour or ""][0] in item.names[code].lower(), (item.id, code)


def middle(picture: bytes) -> list[float]:
    """Red, green and blue in the middle of a picture."""
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"), dtype=np.float64)
    return [float(channel) for channel in pixels[60:100, 60:100].mean(axis=(0, 1))]


def test_the_colour_of_a_picture_is_the_one_it_is_named_after(items: Sequence[Item]) -> None:
    """The black coat is darker than the white one, and the red one is red."""
    means = {item.colour: middle(item.image) for item in items if item.concept == "coat"}
    assert set(means) == {None, *PALETTE}
    assert sum(means["black"]) < sum(means["brown"]) < sum(means["white"])
    assert max(means["red"]) == means["red"][0]
    assert max(means["green"]) == means["green"][1]
    assert max(means["blue"]) == means["blue"][2]


def test_every_picture_can_be_decoded(items: Sequence[Item]) -> None:
    """Square WebP pictures of one size."""
    found = set()
    for item in items:
        with Image.open(io.BytesIO(item.image)) as picture:
            picture.load()
            found.add((picture.format, picture.size))
    assert found == {("WEBP", (160, 160))}


def test_goods_prices_and_categories_are_those_of_the_build(items: Sequence[Item]) -> None:
    """The pack has every good of goods.csv and every garment, and its prices lie in the range of the category."""
    goods = {good.concept: good.category for good in read_goods()} | dict.fromkeys(GARMENTS, "clothing")
    assert {item.concept: item.category for item in items} == goods
    for item in items:
        low, high = PRICES[item.category]
        assert low // 100 * 100 <= item.price_cents <= high + 99, item.id


@pytest.mark.parametrize("concept", ["coat", "backpack", "guitar", "running-shoe", "bicycle"])
def test_what_shoppers_search_for_is_sold(items: Sequence[Item], concept: str) -> None:
    """The things that the README searches for are there, in black and in red."""
    assert {f"{concept}-black", f"{concept}-red", concept} <= {item.id for item in items}


def test_shopping_words_that_the_standard_lacks_are_keywords(items: Sequence[Item]) -> None:
    """A coat is also a jacket, in the words of its language."""
    coat = next(item for item in items if item.id == "coat")
    assert coat.name == "Coat"
    assert "jacket" in coat.keywords["en"]
    assert "Winterjacke" in coat.keywords["de"]
    assert "chaqueta" in coat.keywords["es"]


def test_garments_are_many_in_colours_and_patterns_and_their_drawings_are_sound(items: Sequence[Item]) -> None:
    """At least 60, most of them in black too; each is an SVG that stands alone; every pattern is worn by something."""
    assert set(words_of()) == set(GARMENTS)
    assert len(GARMENTS) >= 60
    blacks = {item.concept for item in items if item.colour == "black"}
    assert len(blacks & set(GARMENTS)) >= 60
    assert {garment.pattern for garment in GARMENTS.values() if garment.pattern} | {"ribbed"} == set(PATTERNS)
    for garment in GARMENTS.values():
        svg = ET.fromstring(garment.svg())
        ids = {element.get("id") for element in svg.iter()}
        text = garment.svg()
        assert set(re.findall(r"url\(#(\w+)\)", text)) <= ids
        assert "href" not in text
        assert garment.svg() == text


def test_each_source_is_named_with_its_licence() -> None:
    """The provenance names every package with its version; each licence text is there."""
    text = (HERE / "PROVENANCE.md").read_text(encoding="utf-8")
    for package in (PICTURES, ANNOTATIONS, DERIVED):
        assert package.name in text
        assert package.version in text
    licences = {path.name: path.read_text(encoding="utf-8") for path in (HERE / "LICENCES").iterdir()}
    assert all(f"LICENCES/{name}" in text for name in licences)
    assert "Copyright (c) Microsoft Corporation" in licences["fluent-emoji-MIT.txt"]
    assert "UNICODE LICENSE V3" in licences["Unicode-3.0.txt"]
