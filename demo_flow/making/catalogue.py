"""Rebuilds the shipped catalogue from the published packages: `python -m demo_flow.making.catalogue`.

In: `goods.csv` (what we sell and in how many colours), the packages of `sources.py`, the words of `words.py`; and the
garments of `garments/`, which are drawn here. Out: one Parquet file (see `SCHEMA`), byte for byte the same on every run
with the same Pillow, pyarrow and resvg-py.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from rich.progress import Progress, track

from demo_flow.catalogue.shipped import PACK, SCHEMA
from demo_flow.making.garments.table import GARMENTS, words_of
from demo_flow.making.recolour import PALETTE, Painting, paint, study
from demo_flow.making.sources import ANNOTATIONS, DERIVED, PICTURES, SourceProblem, fetch
from demo_flow.making.words import Dictionary, Words, languages

GOODS = Path(__file__).parent / "goods.csv"
SIDE = 160  # pixels
RENDERED = (82, 60)  # WebP's quality of colours and of alpha, 0..100, for pictures of a package
DRAWN = (75, 40)  # the same for our own drawings, which are smoother
MIN_COVERAGE = 0.35  # less of the picture changed would not look like another colour
MIN_DISTANCE = 0.12  # OKLab; a nearer colour would look like the original

# What a thing of this category costs, in cents: from, to.
PRICES = {
    "books": (599, 3999), "clothing": (1499, 14999), "crafts": (299, 4999), "drinks": (199, 2999),
    "electronics": (1999, 79999), "food": (99, 899), "garden": (499, 7999), "health": (299, 4999),
    "home": (499, 29999), "kitchen": (399, 4999), "music": (2999, 89999), "office": (199, 3999),
    "party": (199, 2499), "plush": (999, 3999), "science": (999, 39999), "sport": (999, 49999),
    "tools": (499, 5999), "toys": (499, 4999), "travel": (1499, 19999), "vehicles": (499999, 4999999),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Good:
    """One row of `goods.csv`."""

    picture: str  # the code points of the emoji, hex, joined by "-"
    concept: str
    category: str
    colours: int  # how many colour variants at most


def read_goods(path: Path = GOODS) -> list[Good]:
    """All goods in the file's order."""
    with path.open(newline="", encoding="utf-8") as lines:
        return [
            Good(row["picture"], row["concept"], row["category"], int(row["colours"])) for row in csv.DictReader(lines)
        ]


def choose_colours(good: Good, painting: Painting) -> list[str]:
    """The colours `good` comes in beside its own: the same ones on every run, different from good to good."""
    if painting.coverage < MIN_COVERAGE:
        return []
    if good.colours >= len(PALETTE):
        return list(PALETTE)
    distinct = [colour for colour in PALETTE if painting.distance_to(colour) >= MIN_DISTANCE]
    chosen = sorted(distinct, key=lambda colour: _digest(good.concept, colour))[: good.colours]
    return [colour for colour in PALETTE if colour in chosen]


def price_cents(good: Good) -> int:
    """A plausible price that ends in 99, the same on every run and for every colour."""
    low, high = PRICES[good.category]
    share = (_digest(good.concept) % 10_000) / 10_000
    return int(low * (high / low) ** share) // 100 * 100 + 99


def rows(goods: list[Good], pictures: Path, dictionary: Dictionary) -> Iterator[dict[str, Any]]:
    """The pack's rows: each good, then its colour variants.

    Args:
        goods: what to sell.
        pictures: the unpacked package of pictures.
        dictionary: names and keywords.
    """
    for good in goods:
        words = dictionary.look_up(good.concept, good.picture, plush=good.category == "plush")
        source = Image.open(pictures / "assets" / f"{good.picture}.webp").convert("RGBA")
        picture = source.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        yield _row(good, words, None, picture)
        if good.colours:
            painting = study(picture)
            for colour in choose_colours(good, painting):
                yield _row(good, words, colour, paint(painting, colour))


def garment_rows() -> Iterator[dict[str, Any]]:
    """The rows of the garments that we draw: each in its own colour, then in others, black first of all."""
    import resvg_py  # only the build draws

    words = words_of()
    for concept, garment in GARMENTS.items():
        good = Good("", concept, "clothing", garment.colours)
        wanted = sorted(PALETTE, key=lambda colour: (colour != "black", _digest(concept, colour)))[: good.colours]
        for colour in [None, *(colour for colour in PALETTE if colour in wanted)]:
            svg = garment.svg(PALETTE[colour] if colour else None)
            drawn = resvg_py.svg_to_bytes(svg_string=svg, width=SIDE, skip_system_fonts=True)
            picture = Image.open(io.BytesIO(bytes(drawn))).convert("RGBA")
            yield _row(good, words[concept], colour, picture, DRAWN)


def build(out: Path, cache: Path) -> int:
    """Write the pack to `out`; the packages are kept in `cache`. Returns the number of items."""
    with Progress() as progress:
        task = progress.add_task("fetching packages", total=3)
        folders = []
        for package in (PICTURES, ANNOTATIONS, DERIVED):
            folders.append(fetch(package, cache))
            progress.advance(task)
    dictionary = Dictionary(folders[1], folders[2])
    table: list[dict[str, Any]] = []
    for good in track(read_goods(), description="building items"):
        table.extend(rows([good], folders[0], dictionary))
    table.extend(track(garment_rows(), description="drawing garments", total=None))
    out.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(table, schema=SCHEMA), out, compression="zstd", compression_level=19)
    return len(table)


def _row(
    good: Good, words: Words, colour: str | None, picture: Image.Image, quality: tuple[int, int] = RENDERED
) -> dict[str, Any]:
    names = {
        code: language.coloured(words.names[code], colour) if colour else language.sentence(words.names[code])
        for code, language in languages().items()
    }
    return {
        "id": f"{good.concept}-{colour}" if colour else good.concept,
        "concept": good.concept,
        "colour": colour,
        "category": good.category,
        "names": list(names.items()),
        "keywords": [(code, list(found)) for code, found in words.keywords.items()],
        "price_cents": price_cents(good),
        "image": _webp(picture, quality),
    }


def _webp(picture: Image.Image, quality: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=quality[0], alpha_quality=quality[1], method=4)
    return buffer.getvalue()


def _digest(*parts: str) -> int:
    return int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:8], "big")


def main() -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(description="Rebuild the demo's catalogue from the published packages.")
    parser.add_argument("--out", type=Path, default=PACK, help="the Parquet file to write (default: %(default)s)")
    parser.add_argument("--cache", type=Path, default=Path("build/catalogue"), help="where packages are kept")
    arguments = parser.parse_args()
    try:
        count = build(arguments.out, arguments.cache)
    except SourceProblem as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"{count} items, {arguments.out.stat().st_size / 1e6:.1f} MB: {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
