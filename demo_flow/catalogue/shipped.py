"""The pack that ships with the demo: the Parquet file that `demo_flow/making/catalogue.py` writes, and its reader."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from demo_flow.catalogue.item import Item

PACK = Path(__file__).parent / "pamazon.parquet"

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("concept", pa.string()),
        ("colour", pa.string()),
        ("category", pa.string()),
        ("names", pa.map_(pa.string(), pa.string())),
        ("keywords", pa.map_(pa.string(), pa.list_(pa.string()))),
        ("price_cents", pa.int32()),
        ("image", pa.binary()),
    ]
)


def read_pack(path: Path = PACK) -> tuple[Item, ...]:
    """All items of the pack at `path`, in its order; the variants of a concept share one keyword mapping."""
    keywords: dict[str, dict[str, tuple[str, ...]]] = {}
    table = pq.read_table(path, schema=SCHEMA)
    for row, concept in enumerate(table.column("concept").to_pylist()):
        if concept not in keywords:
            pairs = table.column("keywords")[row].as_py()
            keywords[concept] = {code: tuple(words) for code, words in pairs}
    rows = table.drop_columns(["keywords"]).to_pylist()
    return tuple(Item(**{**row, "names": dict(row["names"]), "keywords": keywords[row["concept"]]}) for row in rows)


def read_pictures(path: Path = PACK) -> dict[str, bytes]:
    """The pictures of the pack at `path`, by the id of their item; nothing else of it is read."""
    table = pq.read_table(path, schema=SCHEMA, columns=["id", "image"])
    return dict(zip(table.column("id").to_pylist(), table.column("image").to_pylist(), strict=True))
