"""Writes the model card of `pamazon-tiny`: the text of `card.md`, filled in with what `measure.py` finds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template
from typing import Any

from rich.progress import track

from demo_flow.making.measure import Figures, Shop
from demo_flow.making.words import languages
from demo_flow.model import THRESHOLD

WORDS = Path(__file__).parent / "card.md"
QUERIES = (
    "jacket mens", "black jacket", "fancy earrings", "Winterjacke", "chaqueta negra", "guitarra", "backpak",
    "Wunderschöner Midirock aus feiner Spitze, knielang, mit hohem Bund und Reißverschluss, in Schwarz",
)  # fmt: skip
FILES = ("text.onnx", "image.onnx", "pamazon-tiny.safetensors")


def write_card(shop: Shop, timings: Mapping[str, float], model: Path, out: Path) -> None:
    """Measure `shop` and write the card of the model in the folder `model` to the file `out`."""
    card = Template(WORDS.read_text(encoding="utf-8")).substitute(
        languages=len(languages()),
        items=f"{len(shop.items):,}",
        concepts=len(set(shop.concepts)),
        figures=_figures(shop),
        held_out=_held_out(model / "held_out.json"),
        threshold=_threshold(model / THRESHOLD),
        examples=_examples(shop),
        sizes=", ".join(f"`{name}` {(model / name).stat().st_size / 1e6:.2f} MB" for name in FILES),
        training=_training(model / "training.json"),
        timings=_table(("what", "time"), ([what, f"{spent:.2f} ms"] for what, spent in timings.items())),
    )
    out.write_text(card, encoding="utf-8")


def _figures(shop: Shop) -> str:
    kinds = {
        "Names of things": shop.names,
        "Names with one typo": shop.names_with_typo,
        "Colour and name (only the item in that colour is a hit)": shop.coloured,
        "Keywords": shop.keywords,
    }
    parts = []
    for title, searches in track(kinds.items(), "measuring"):
        rows = (_row(language.name, shop.measure(searches(code))) for code, language in languages().items())
        parts.append(f"### {title}\n\n{_table(('language', 'hit@1', 'hit@10', 'MRR', 'searches'), rows)}")
    return "\n\n".join(parts)


def _held_out(file: Path) -> str:
    if not file.exists():
        return "Not measured: `held_out.json` is missing (see below how it is made)."
    held = json.loads(file.read_text(encoding="utf-8"))
    rows = []
    for code, kinds in held["languages"].items():
        cells = [_digits(kinds[kind][what]) for kind in ("keywords", "concepts") for what in ("hit@1", "hit@10", "mrr")]
        rows.append([languages()[code].name, *cells])
    head = [f"{kind} {what}" for kind in ("keywords", "things") for what in ("hit@1", "hit@10", "MRR")]
    return (
        "Measured on a second model, which is not shipped, trained by the same program without "
        f"{held['concepts']} of the things (their pictures and words) and without {held['keywords']:,} keywords of the "
        "others, for fewer steps (see below the table). Its pictures of unseen things were searched by their unseen "
        "names among all items.\n\n"
        f"{_table(('language', *head), rows)}\n\n{_settings(held)}"
    )


def _threshold(file: Path) -> str:
    if not file.exists():
        return "Not calibrated: `threshold.json` is missing (see below how it is made)."
    found = json.loads(file.read_text(encoding="utf-8"))
    rows = [
        [kind, f"{facts['count']:,}", f"{facts['median']:.2f}", f"{100 * facts['right']:.1f} % {side}"]
        for group, side in (("searches", "at or above"), ("nonsense", "below"))
        for kind, facts in found[group].items()
    ]
    return (
        f"The best picture for nonsense has a score, too. The demo's threshold is **{found['threshold']}** "
        f"(`threshold.json`): of all hundredths the one with the {found['chosen']}, each kind counting the same. "
        "Chosen by `python -m demo_flow.making.calibrate`; its nonsense is in `nonsense.json`, or made up from a fixed "
        "seed.\n\n"
        f"{_table(('text', 'how many', 'median of the best score', 'share'), rows)}"
    )


def _examples(shop: Shop) -> str:
    rows = ([f"`{query}`", ", ".join(item.name for item in shop.top(query, 5))] for query in QUERIES)
    return _table(("search", "found, best first"), rows)


def _training(file: Path) -> str:
    if not file.exists():
        return "How long the training took is not known: `training.json` is missing."
    return _settings(json.loads(file.read_text(encoding="utf-8")))


def _settings(facts: Mapping[str, Any]) -> str:
    settings = ", ".join(f"`{name}` {value}" for name, value in facts["settings"].items() if value != "")
    minutes = facts["seconds"] / 60
    text = f"Trained for {minutes:.0f} minutes on two shared CPU cores, with torch {facts['torch']}; {settings}."
    return f"{text} {facts['note']}" if "note" in facts else text


def _row(name: str, figures: Figures) -> list[str]:
    return [name, *(_digits(value) for value in (figures.hit_1, figures.hit_10, figures.mrr)), f"{figures.searches:,}"]


def _digits(share: float) -> str:
    return f"{share:.3f}"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
