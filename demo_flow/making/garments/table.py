"""Every garment and accessory that we draw: how it looks, and its words in the shop's languages."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from demo_flow.making.garments.bags import Bag, Jewel
from demo_flow.making.garments.cloth import Cloth, Colour
from demo_flow.making.garments.lower import Dress, Skirt, Trousers
from demo_flow.making.garments.shoes import Hat, Shoe, Small
from demo_flow.making.garments.tops import Top
from demo_flow.making.words import Words, languages

HERE = Path(__file__).parent

# Colours that a garment has of its own; none of them is one of the shop's colour words.
OWN: dict[str, Colour] = {
    "beige": (208, 182, 146), "burgundy": (122, 28, 54), "camel": (190, 140, 84), "coral": (240, 118, 98),
    "cream": (242, 232, 208), "denim": (78, 112, 158), "lilac": (186, 160, 216), "mint": (150, 214, 186),
    "mustard": (206, 158, 44), "navy": (38, 52, 92), "olive": (112, 116, 62), "petrol": (26, 94, 108),
    "sky": (140, 196, 236), "teal": (34, 150, 150),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Garment:
    """One thing that we draw: by `draw`, in its `own` colour (a key of `OWN`), with a pattern of `cloth.PATTERNS`."""

    draw: Callable[[Cloth], str]
    own: str
    pattern: str = ""
    colours: int = 3  # how many further ones, black among them

    def svg(self, colour: Colour | None = None) -> str:
        """Its picture in `colour`, or in its own."""
        cloth = Cloth(colour or OWN[self.own], self.pattern)
        return cloth.svg(self.draw(cloth))


def _fitted(hem: float, flare: float, sleeve: float = 0, neck: str = "round", **more: object) -> Dress:
    """A dress whose skirt starts at the waist."""
    skirt = {name: more.pop(name) for name in ("scallops", "slit", "tiers") if name in more}
    return Dress(Skirt(hem=hem, flare=flare, top=66, waist=20, **skirt), sleeve, neck, **more)  # type: ignore[arg-type]


GARMENTS: Mapping[str, Garment] = {
    "winter-jacket": Garment(Top(hem=132, width=36, hood="fur", front="zip", puffed=15, pockets="slits", loose=12), "petrol", colours=8),
    "down-jacket": Garment(Top(hem=118, width=36, front="zip", puffed=12, neck="stand", ends="ribbed", loose=12), "mustard"),
    "leather-jacket": Garment(Top(hem=112, width=34, front="slanted", neck="lapels"), "burgundy", colours=6),
    "mens-jacket": Garment(Top(hem=122, width=35, front="buttons", neck="collar", pockets="patch"), "beige", colours=8),
    "rain-jacket": Garment(Top(hem=130, width=35, front="zip", hood="plain", pockets="flaps"), "teal"),
    "denim-jacket": Garment(Top(hem=112, width=34, front="buttons", neck="collar", pockets="chest"), "denim", "denim"),
    "bomber-jacket": Garment(Top(hem=112, width=36, front="zip", neck="stand", ends="ribbed", pockets="slits"), "olive"),
    "blazer": Garment(Top(hem=124, width=33, front="single", neck="lapels", shirt=True, pockets="flaps"), "navy"),
    "fleece-jacket": Garment(Top(hem=118, width=35, front="zip", neck="stand", pockets="slits"), "mint", "fleecy"),
    "quilted-vest": Garment(Top(hem=122, width=33, sleeve=0, front="zip", neck="stand"), "olive", "quilted"),
    "tweed-jacket": Garment(Top(hem=122, width=33, front="single", neck="lapels", shirt=True, pockets="flaps"), "camel", "checked"),
    "trench-coat": Garment(Top(hem=150, width=33, flare=10, front="double", neck="lapels", belt=True, pockets="slits"), "beige"),
    "wool-coat": Garment(Top(hem=150, width=34, flare=4, front="double", neck="lapels"), "camel"),
    "parka": Garment(Top(hem=148, width=36, front="zip", hood="fur", pockets="patch"), "olive"),
    "checked-coat": Garment(Top(hem=150, width=34, flare=3, front="buttons", neck="lapels"), "burgundy", "checked"),
    "dress-shirt": Garment(Top(neck="collar", front="buttons"), "sky"),
    "checked-shirt": Garment(Top(neck="collar", front="buttons", pockets="breast"), "petrol", "checked"),
    "pinstripe-shirt": Garment(Top(neck="collar", front="buttons"), "navy", "pinstriped"),
    "hawaiian-shirt": Garment(Top(hem=122, neck="collar", front="buttons", sleeve=74, loose=13), "teal", "floral"),
    "polo-shirt": Garment(Top(hem=120, neck="collar", front="placket", sleeve=68, loose=12), "mint"),
    "lace-blouse": Garment(Top(hem=118, neck="wide", width=30, flare=5), "cream", "lace"),
    "dotted-blouse": Garment(Top(hem=118, width=30, flare=4, sleeve=112, loose=14), "burgundy", "dotted"),
    "tank-top": Garment(Top(hem=118, neck="straps", width=28, sleeve=0), "coral"),
    "striped-t-shirt": Garment(Top(hem=120, neck="wide", sleeve=70), "navy", "striped"),
    "cable-sweater": Garment(Top(hem=118, ends="ribbed", width=35), "cream", "cabled"),
    "striped-sweater": Garment(Top(hem=118, ends="ribbed", width=35), "petrol", "striped"),
    "turtleneck": Garment(Top(hem=118, ends="ribbed", neck="high"), "mustard", "knitted"),
    "cardigan": Garment(Top(hem=118, ends="ribbed", neck="vee", front="buttons"), "camel", "knitted"),
    "hoodie": Garment(Top(hem=120, ends="ribbed", hood="plain", pockets="pouch"), "lilac"),
    "lace-midi-skirt": Garment(Skirt(hem=122, flare=20, scallops=True), "cream", "lace", 8),
    "pleated-skirt": Garment(Skirt(hem=118, flare=34, pleats=9), "teal"),
    "mini-skirt": Garment(Skirt(hem=86, flare=18), "coral"),
    "denim-skirt": Garment(Skirt(hem=92, flare=16, front="buttons"), "denim", "denim"),
    "pencil-skirt": Garment(Skirt(hem=124, flare=3, slit=True), "burgundy"),
    "maxi-skirt": Garment(Skirt(hem=148, flare=32), "petrol"),
    "checked-skirt": Garment(Skirt(hem=92, flare=30, pleats=7), "navy", "checked"),
    "floral-skirt": Garment(Skirt(hem=124, flare=34), "mint", "floral"),
    "dotted-skirt": Garment(Skirt(hem=120, flare=36), "navy", "dotted"),
    "tulle-skirt": Garment(Skirt(hem=116, flare=40, tiers=4, bow=True), "lilac"),
    "summer-dress": Garment(_fitted(116, 36, neck="straps"), "coral"),
    "evening-dress": Garment(_fitted(152, 34, neck="vee", sash=True, slit=True), "burgundy"),
    "lace-dress": Garment(_fitted(120, 24, 26, scallops=True), "cream", "lace"),
    "floral-dress": Garment(_fitted(122, 34, 18, "vee"), "petrol", "floral"),
    "dotted-dress": Garment(_fitted(114, 38, sash=True), "navy", "dotted"),
    "striped-dress": Garment(_fitted(126, 14, 22), "teal", "striped"),
    "shirt-dress": Garment(_fitted(124, 16, 64, "collar", front="buttons", sash=True), "beige"),
    "knit-dress": Garment(_fitted(124, 10, 80), "mustard", "knitted"),
    "wedding-dress": Garment(_fitted(154, 44, neck="straps", sash=True, tiers=4), "cream", colours=0),
    "chinos": Garment(Trousers(), "beige"),
    "suit-trousers": Garment(Trousers(crease=True, leg=11), "navy"),
    "joggers": Garment(Trousers(cuffs=True, drawstring=True), "petrol"),
    "leggings": Garment(Trousers(leg=8, drawstring=True), "burgundy"),
    "cargo-trousers": Garment(Trousers(pockets="cargo", leg=14), "olive"),
    "dungarees": Garment(Trousers(bib=True, pockets="jeans"), "denim", "denim"),
    "pyjama-trousers": Garment(Trousers(leg=15, drawstring=True), "sky", "checked"),
    "loafers": Garment(Shoe(shaft=94, detail="tassel"), "camel"),
    "lace-up-shoes": Garment(Shoe(shaft=94, detail="laces"), "burgundy"),
    "canvas-sneakers": Garment(Shoe(shaft=94, sole="thick", detail="laces"), "navy"),
    "slippers": Garment(Shoe(shaft=96, detail="fur"), "beige", "fleecy"),
    "ankle-boots": Garment(Shoe(shaft=70, heel=10, detail="zip"), "camel"),
    "chelsea-boots": Garment(Shoe(shaft=62, detail="elastic"), "beige"),
    "rubber-boots": Garment(Shoe(shaft=34, sole="thick", rubber=True), "olive"),
    "winter-boots": Garment(Shoe(shaft=56, detail="fur", sole="lugged"), "camel"),
    "combat-boots": Garment(Shoe(shaft=50, detail="laces", sole="lugged"), "burgundy"),
    "sandals": Garment(Shoe(detail="straps"), "camel"),
    "beanie": Garment(Hat("beanie"), "petrol", "knitted"),
    "bucket-hat": Garment(Hat("bucket"), "beige"),
    "fedora": Garment(Hat("fedora"), "camel"),
    "beret": Garment(Hat("beret"), "burgundy"),
    "headband": Garment(Small("headband"), "mint", "floral"),
    "checked-scarf": Garment(Small("scarf"), "camel", "checked"),
    "silk-scarf": Garment(Small("shawl"), "coral", "floral"),
    "mittens": Garment(Small("mittens"), "petrol", "knitted"),
    "leather-gloves": Garment(Small("gloves"), "camel"),
    "belt": Garment(Small("belt"), "camel"),
    "bow-tie": Garment(Small("bow"), "burgundy"),
    "suspenders": Garment(Small("braces"), "navy", "striped"),
    "striped-socks": Garment(Small("socks"), "teal", "striped"),
    "tights": Garment(Small("tights"), "burgundy"),
    "tote-bag": Garment(Bag("tote"), "cream"),
    "shoulder-bag": Garment(Bag("shoulder"), "camel"),
    "bucket-bag": Garment(Bag("bucket"), "coral"),
    "belt-bag": Garment(Bag("belt"), "olive"),
    "wallet": Garment(Bag("wallet"), "burgundy"),
    "duffel-bag": Garment(Bag("duffel"), "petrol"),
    "drop-earrings": Garment(Jewel("drops"), "teal"),
    "hoop-earrings": Garment(Jewel("hoops"), "coral"),
    "stud-earrings": Garment(Jewel("studs"), "sky"),
    "pearl-earrings": Garment(Jewel("pearls"), "petrol"),
    "fancy-earrings": Garment(Jewel("chandelier"), "burgundy", colours=8),
    "tassel-earrings": Garment(Jewel("tassels"), "mint"),
    "eternity-ring": Garment(Jewel("band"), "sky"),
    "gemstone-ring": Garment(Jewel("gemstone"), "teal"),
    "signet-ring": Garment(Jewel("signet"), "navy"),
    "heart-pendant": Garment(Jewel("pendant"), "burgundy"),
    "bead-necklace": Garment(Jewel("beads"), "teal"),
    "pearl-necklace": Garment(Jewel("pearl_string"), "sky"),
    "bead-bracelet": Garment(Jewel("bracelet"), "coral"),
    "bangle": Garment(Jewel("bangle"), "petrol"),
    "brooch": Garment(Jewel("brooch"), "lilac"),
    "wristwatch": Garment(Jewel("strap_watch"), "camel"),
    "smartwatch": Garment(Jewel("smart_watch"), "mint"),
}  # fmt: skip


@cache
def words_of() -> Mapping[str, Words]:
    """The words of every garment: of `words.csv`, with those of its kind (`kinds.csv`) as further keywords."""
    kinds = {row["kind"]: row for row in read_table("kinds.csv")}
    return {row["concept"]: _words(row, kinds[row["kind"]]) for row in read_table("words.csv")}


def _words(row: Mapping[str, str], kind: Mapping[str, str]) -> Words:
    names, keywords = {}, {}
    for code in languages():
        name, *further = row[code].split(";")
        names[code] = name
        keywords[code] = tuple(word for word in dict.fromkeys([*further, *kind[code].split(";")]) if word != name)
    return Words(names, keywords)


def read_table(file: str) -> list[dict[str, str]]:
    """The rows of `words.csv` or `kinds.csv`."""
    with (HERE / file).open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))
