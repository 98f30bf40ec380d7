"""Reads a catalogue of your own: a folder of pictures with `catalogue.jsonl` or `catalogue.parquet`.

Each valid row becomes an `Item`, each other one a `Problem` with file and line.

A row has `id`, `name` (a text, or texts by language code) and `image` (a path inside the folder), and may have
`keywords` (a list, or lists by language code), `price` (such as 19.99) and `category`.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from demo_flow.catalogue.item import Item

FILES = ("catalogue.jsonl", "catalogue.parquet")
_LANGUAGE = "en"  # the language of a name without a code


class CatalogueError(Exception):
    """The catalogue as a whole cannot be read; the message has the reason and what to do."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that was skipped."""

    file: Path
    line: int  # from 1; the row's number in a Parquet file
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class _BadRow(Exception):
    """Why a row is skipped."""


def read_folder(folder: Path, on_problem: Callable[[Problem], None]) -> tuple[Item, ...]:
    """All valid items of the catalogue in `folder`; `on_problem` is called with the problem of each other one."""
    file = _find(folder)
    items: dict[str, Item] = {}
    lines: dict[str, int] = {}
    for line, read in _rows(file):
        try:
            item = _item(read(), folder)
            if item.id in items:
                raise _BadRow(f"the id {item.id!r} is already in line {lines[item.id]}")
        except _BadRow as bad:
            on_problem(Problem(file, line, str(bad)))
            continue
        items[item.id], lines[item.id] = item, line
    return tuple(items.values())


def _find(folder: Path) -> Path:
    if not folder.is_dir():
        raise CatalogueError(f"{folder} is not a folder; give the folder that holds {FILES[0]} and the pictures")
    for name in FILES:
        if (folder / name).is_file():
            return folder / name
    raise CatalogueError(
        f"{folder} holds no {FILES[0]} and no {FILES[1]}; write one with a row for each picture, such as "
        '{"id": "mug-1", "name": "Blue mug", "image": "mug.jpg"}'
    )


def _rows(file: Path) -> Iterator[tuple[int, Callable[[], Any]]]:
    """Each row's number and a function that returns the row or raises `_BadRow`."""
    if file.suffix == ".jsonl":
        with file.open("rb") as lines:
            for number, raw in enumerate(lines, start=1):
                if raw.strip():
                    yield number, partial(_parse, raw)
        return
    try:
        table = pq.read_table(file)
    except (pa.ArrowException, OSError) as error:
        raise CatalogueError(f"{file} is not a readable Parquet file: {error}") from error
    for number, row in enumerate(table.to_pylist(maps_as_pydicts="lossy"), start=1):
        yield number, partial(_without_empty, row)


def _without_empty(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in row.items() if value is not None}


def _parse(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except UnicodeDecodeError as error:
        raise _BadRow("is not UTF-8") from error
    except (json.JSONDecodeError, RecursionError) as error:
        raise _BadRow(f"is not valid JSON: {error}") from error


def _item(row: Any, folder: Path) -> Item:
    if not isinstance(row, Mapping):
        raise _BadRow(f'is not an object such as {{"id": …}} but {type(row).__name__}')
    identifier = _text(row, "id")
    return Item(
        id=identifier,
        concept=identifier,
        colour=None,
        category=_text(row, "category") if "category" in row else "",
        names=_names(row),
        keywords=_keywords(row.get("keywords", [])),
        price_cents=_price(row.get("price", 0)),
        image=_picture(_text(row, "image"), folder),
    )


def _text(row: Mapping[str, Any], field: str) -> str:
    if field not in row:
        raise _BadRow(f"has no {field!r}")
    value = row[field]
    if not isinstance(value, str) or not value.strip():
        raise _BadRow(f"{field!r} must be a text that is not empty, not {value!r}")
    return value


def _names(row: Mapping[str, Any]) -> Mapping[str, str]:
    name = row.get("name")
    if not isinstance(name, Mapping):
        return {_LANGUAGE: _text(row, "name")}
    names = {code: text for code, text in name.items() if text is not None}
    if not names or not all(isinstance(text, str) and text.strip() for text in names.values()):
        raise _BadRow(f"'name' must be a text, or texts by language code, not {name!r}")
    return names


def _keywords(value: Any) -> Mapping[str, tuple[str, ...]]:
    by_language = value if isinstance(value, Mapping) else {_LANGUAGE: value}
    result = {}
    for code, words in by_language.items():
        if words is None:
            continue
        if not isinstance(words, Sequence) or isinstance(words, str) or not all(isinstance(w, str) for w in words):
            raise _BadRow(f"'keywords' must be a list of texts, or such lists by language code, not {value!r}")
        result[code] = tuple(words)
    return result


def _price(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise _BadRow(f"'price' must be a number such as 19.99, not {value!r}")
    return round(value * 100)


def _picture(relative: str, folder: Path) -> bytes:
    """The bytes of a picture inside `folder`, once they have been decoded as a test."""
    try:
        path = (folder / relative).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise _BadRow(f"'image' is outside the folder: {relative!r}")
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise _BadRow(f"the picture {relative!r} cannot be read: {error}") from error
    try:
        with Image.open(io.BytesIO(data)) as picture:
            picture.load()
    except Exception as error:  # Pillow's decoders raise almost anything on damaged files
        raise _BadRow(f"the picture {relative!r} cannot be decoded: {error}") from error
    return data
