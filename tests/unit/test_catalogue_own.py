"""A catalogue of one's own: what is read, and how mistakes in it are reported."""

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from demo_flow.catalogue.catalogue import CatalogueError, Problem, load


def picture(colour: str = "red") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    (root / "pictures").mkdir(parents=True)
    (root / "mug.png").write_bytes(picture())
    (root / "pictures" / "hat.png").write_bytes(picture("blue"))
    (root / "broken.png").write_bytes(picture()[:40])
    (root / "words.png").write_text("this is not a picture")
    (tmp_path / "secret.png").write_bytes(picture())
    return root


GOOD = {"id": "mug", "name": "Mug", "image": "mug.png"}


def write_lines(folder: Path, *lines: str | bytes) -> None:
    raw = [line.encode() if isinstance(line, str) else line for line in lines]
    (folder / "catalogue.jsonl").write_bytes(b"\n".join(raw) + b"\n")


def test_a_folder_with_json_lines_is_read(folder: Path) -> None:
    """All fields arrive; a name without a language is English; blank lines count for nothing."""
    full = {
        "id": "hat", "name": {"de": "Hut", "fr": "Chapeau"}, "image": "pictures/hat.png", "price": 19.99,
        "category": "clothing", "keywords": {"de": ["Mütze"]},
    }  # fmt: skip
    write_lines(folder, json.dumps(GOOD), "", json.dumps(full, ensure_ascii=False))
    problems: list[Problem] = []
    mug, hat = load(folder, problems.append)
    assert problems == []
    assert (mug.id, mug.concept, mug.colour, mug.name, mug.price_cents) == ("mug", "mug", None, "Mug", 0)
    assert mug.image == picture()
    assert (hat.name, hat.names["fr"], hat.price_cents, hat.category) == ("Hut", "Chapeau", 1999, "clothing")
    assert hat.keywords == {"de": ("Mütze",)}


def test_a_folder_with_parquet_is_read(folder: Path) -> None:
    """The same rows as a Parquet file; an empty cell is a missing field."""
    rows = [
        {**GOOD, "keywords": ["cup"], "price": None},
        {"id": "hat", "name": "Hat", "image": "pictures/hat.png", "keywords": None, "price": 5.0},
        {"id": "bad", "name": None, "image": "mug.png", "keywords": None, "price": None},
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "catalogue.parquet")
    problems: list[Problem] = []
    items = load(folder, problems.append)
    assert [(item.id, item.price_cents, item.keywords["en"]) for item in items] == [
        ("mug", 0, ("cup",)),
        ("hat", 500, ()),
    ]
    assert [str(problem) for problem in problems] == [f"{folder / 'catalogue.parquet'}:3: has no 'name'"]


BAD_ROWS: dict[str, tuple[Any, str]] = {
    "not JSON": ("{id: 1", "is not valid JSON"),
    "not UTF-8": (b'{"id": "\xff"}', "is not UTF-8"),
    "not an object": ("[1, 2]", "is not an object"),
    "no id": ({"name": "Mug", "image": "mug.png"}, "has no 'id'"),
    "id not a text": ({**GOOD, "id": 7}, "'id' must be a text"),
    "no name": ({"id": "x", "image": "mug.png"}, "has no 'name'"),
    "empty name": ({**GOOD, "id": "x", "name": " "}, "'name' must be a text"),
    "empty names": ({**GOOD, "id": "x", "name": {}}, "'name' must be a text"),
    "no image": ({"id": "x", "name": "X"}, "has no 'image'"),
    "no such picture": ({**GOOD, "id": "x", "image": "gone.png"}, "'gone.png' cannot be read"),
    "a folder as picture": ({**GOOD, "id": "x", "image": "pictures"}, "'pictures' cannot be read"),
    "a null byte in the path": ({**GOOD, "id": "x", "image": "a\0b"}, "cannot be read"),
    "cut picture": ({**GOOD, "id": "x", "image": "broken.png"}, "'broken.png' cannot be decoded"),
    "text as picture": ({**GOOD, "id": "x", "image": "words.png"}, "'words.png' cannot be decoded"),
    "out of the folder": ({**GOOD, "id": "x", "image": "../secret.png"}, "is outside the folder"),
    "absolute path": ({**GOOD, "id": "x", "image": "/etc/hostname"}, "is outside the folder"),
    "price as text": ({**GOOD, "id": "x", "price": "9"}, "'price' must be a number"),
    "negative price": ({**GOOD, "id": "x", "price": -1}, "'price' must be a number"),
    "price that is not a number": (
        '{"id": "x", "name": "X", "image": "mug.png", "price": NaN}',
        "'price' must be a number",
    ),
    "keywords as text": ({**GOOD, "id": "x", "keywords": "cup"}, "'keywords' must be a list"),
    "same id again": (GOOD, "the id 'mug' is already in line 1"),
}


@pytest.mark.parametrize(("row", "message"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_row_is_reported_by_file_and_line_and_skipped(folder: Path, row: Any, message: str) -> None:
    """The rows before and after it are read."""
    line = row if isinstance(row, str | bytes) else json.dumps(row)
    write_lines(folder, json.dumps(GOOD), line, json.dumps({**GOOD, "id": "last"}))
    problems: list[Problem] = []
    assert [item.id for item in load(folder, problems.append)] == ["mug", "last"]
    (problem,) = problems
    assert (problem.file, problem.line) == (folder / "catalogue.jsonl", 2)
    assert message in problem.message
    assert "\n" not in str(problem)


def test_a_link_out_of_the_folder_is_not_followed(folder: Path) -> None:
    """What the link points to decides, not how the path is written."""
    (folder / "link.png").symlink_to(folder.parent / "secret.png")
    write_lines(folder, json.dumps({**GOOD, "image": "link.png"}))
    problems: list[Problem] = []
    assert load(folder, problems.append) == ()
    assert "is outside the folder" in problems[0].message


def test_a_folder_without_a_catalogue_states_what_to_write(folder: Path) -> None:
    """The error shows a row."""
    with pytest.raises(
        CatalogueError, match=r'holds no catalogue\.jsonl and no catalogue\.parquet.*"image": "mug\.jpg"'
    ):
        load(folder)


def test_a_path_that_is_not_a_folder_is_reported(folder: Path) -> None:
    """A file's path is not taken for a folder's."""
    with pytest.raises(CatalogueError, match="is not a folder"):
        load(folder / "mug.png")


def test_a_damaged_parquet_file_is_one_error(folder: Path) -> None:
    """Nothing of it can be read, so nothing is skipped in silence."""
    (folder / "catalogue.parquet").write_bytes(b"PAR1 and then nonsense")
    with pytest.raises(CatalogueError, match="is not a readable Parquet file"):
        load(folder)
