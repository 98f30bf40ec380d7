"""Measures `pamazon-tiny` and writes its model card: `python -m demo_flow.making.evaluate`.

In: the shipped model and catalogue, and `held_out.json` beside the model. Out: `MODEL_CARD.md`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from demo_flow.catalogue.catalogue import load
from demo_flow.making.card import write_card
from demo_flow.making.measure import Shop, timings
from demo_flow.model.tiny import HERE, Tiny


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Measure pamazon-tiny and write its model card.")
    parser.add_argument("--model", type=Path, default=HERE, help="folder of the model (default: %(default)s)")
    parser.add_argument("--out", type=Path, help="the file to write (default: MODEL_CARD.md in the model's folder)")
    arguments = parser.parse_args()
    items = load()
    model = Tiny(arguments.model)
    out = arguments.out or arguments.model / "MODEL_CARD.md"
    write_card(Shop(model, items), timings(model, items), arguments.model, out)
    print(f"wrote {out}")


if __name__ == "__main__":
    main()
