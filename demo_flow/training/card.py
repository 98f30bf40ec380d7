"""Writes the model card from what `evaluate.py` measured.

In: figures. Out: `MODEL_CARD.md`. No state.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.progress import track

from demo_flow.catalogue.words import languages
from demo_flow.training.evaluate import Figures, Shop

QUERIES = ("jacket mens", "black jacket", "Winterjacke", "guitarra", "bakcpack")
FILES = ("text.onnx", "image.onnx", "pamazon-tiny.safetensors")
HEAD = ("language", "hit@1", "hit@10", "MRR", "searches")


def write_card(shop: Shop, timings: Mapping[str, float], model: Path, out: Path) -> None:
    """Measure `shop` and write the card of the model in the folder `model` to `out` (a folder or a file)."""
    file = out / "MODEL_CARD.md" if out.is_dir() else out
    sections = [_intro(shop), _figures(shop), _held_out(model), _examples(shop), _training(model), _timing(timings)]
    file.write_text("\n\n".join(sections) + "\n", encoding="utf-8")
    print(f"wrote {file}")


def _intro(shop: Shop) -> str:
    concepts = len(set(shop.concepts))
    return f"""# pamazon-tiny

A small dual encoder: it turns texts in {len(languages())} languages and pictures into unit vectors of one space (192 numbers), so that a search by text finds pictures. It was made for this demo, to search its catalogue without a network or a GPU.

**It knows only this catalogue**: {len(shop.items):,} pictures of {concepts} things, and the words for them. It is no general model: it cannot do zero-shot search of new things, it does not understand photographs, and it does not understand sentences. For pictures of your own use an OpenCLIP model (`--encoder ViT-B-32::openai`).

The figures were written by `python -m demo_flow.training.evaluate`, which anyone can run again."""


def _figures(shop: Shop) -> str:
    kinds = {
        "Names of things": shop.names,
        "Names with one typo": shop.names_with_typo,
        "Colour and name (only the item in that colour is a hit)": shop.coloured,
        "Keywords": shop.keywords,
    }
    parts = [
        f"""## What it finds of what it was trained on

A text is searched among the pictures of all items. A hit is any item of the thing meant (of a keyword: of any thing that has it). The model has seen these pictures, names and keywords in training; the typos were drawn anew (swapped, missing, doubled, inserted or replaced letter, anywhere in the name)."""
    ]
    for title, searches in track(kinds.items(), "measuring"):
        rows = [_row(language.name, shop.measure(searches(code))) for code, language in languages().items()]
        parts.append(f"### {title}\n\n{_table(HEAD, rows)}")
    return "\n\n".join(parts)


def _held_out(model: Path) -> str:
    title = "## What it finds of what it never saw"
    file = model / "held_out.json"
    if not file.exists():
        return f"{title}\n\nNot measured: `held_out.json` is missing (see below how it is made)."
    held = json.loads(file.read_text(encoding="utf-8"))
    rows = []
    for code, kinds in held["languages"].items():
        cells = [[_digits(kind[what]) for what in ("hit@1", "hit@10", "mrr")] for kind in kinds.values()]
        rows.append([languages()[code].name, *cells[0], *cells[1]])
    head = ["language", *(f"{kind} {what}" for kind in ("keywords", "things") for what in ("hit@1", "hit@10", "MRR"))]
    settings = held["settings"]
    return f"""{title}

Measured on a second model, which is not shipped: trained by the same program without {held["concepts"]} of the things (pictures and words) and without {held["keywords"]:,} keywords of the others, for {settings["joint_steps"]:,} joint and {settings["text_steps"]:,} text steps. These figures say how little carries over to new words, and next to nothing to new things; that is why the shipped model is trained on the whole catalogue.

{_table(head, rows)}"""


def _examples(shop: Shop) -> str:
    rows = [[f"`{query}`", ", ".join(item.name for item in shop.top(query, 5))] for query in QUERIES]
    return f"## Some searches\n\n{_table(('search', 'found, best first'), rows)}"


def _training(model: Path) -> str:
    sizes = ", ".join(f"`{name}` {(model / name).stat().st_size / 1e6:.2f} MB" for name in FILES)
    text = f"""## How it is made

Files: {sizes}. Both formats hold the same weights: the table of hashed words in 8 bits with a 16-bit scale for each row, all other weights in 16 bits; they compute in 32 bits.

Text tower: words and pieces of words (2 to 4 letters; 1 to 3 characters for Chinese, Japanese and Korean), hashed into 65,536 rows of 64 numbers; gated means of words and of pieces; an MLP with 512 hidden units. There is no tokenizer and no order of words. Image tower: a ResNet of four blocks with 1.2 million weights on 64 × 64 pixels.

Training data: the demo's catalogue and nothing else, see `demo_flow/catalogue/PROVENANCE.md`: pictures from Fluent Emoji (MIT), names and keywords from the Unicode CLDR (Unicode-3.0), our own colour and shopping words. The weights are under this project's licence, Apache-2.0.

Objective: multi-positive InfoNCE between texts, pictures and prototypes of the items that only the training has; phrases are made up on the way (name or keyword, colour, modifiers such as "for men", another order, one typo in two fifths of them); pictures are turned, scaled, shifted, mirrored and partly covered. Then the image tower stays as it is, and the text tower learns to hit its vectors in the whole catalogue.

```
pip install torch safetensors onnx onnxruntime pyarrow pillow rich tqdm
python -m demo_flow.training.train --out build/model                        # the shipped model
python -m demo_flow.training.train --out build/held-out --hold-out 0.1      # writes held_out.json
python -m demo_flow.training.evaluate                                       # writes this card
```"""
    file = model / "training.json"
    if not file.exists():
        return text
    facts = json.loads(file.read_text(encoding="utf-8"))
    settings = ", ".join(f"{name} {value}" for name, value in facts["settings"].items())
    minutes = facts["seconds"] / 60
    return f"{text}\n\nThe shipped weights took {minutes:.0f} minutes on two shared CPU cores, with torch {facts['torch']}: {settings}."


def _timing(timings: Mapping[str, float]) -> str:
    rows = [[what, f"{milliseconds:.2f} ms"] for what, milliseconds in timings.items()]
    return f"## How fast\n\nOne thread of the machine that wrote this card; medians.\n\n{_table(('what', 'time'), rows)}"


def _row(name: str, figures: Figures) -> list[str]:
    return [name, *(_digits(value) for value in (figures.hit_1, figures.hit_10, figures.mrr)), f"{figures.searches:,}"]


def _digits(share: float) -> str:
    return f"{share:.3f}"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
