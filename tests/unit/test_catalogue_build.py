"""Building the catalogue: from packages to rows, on packages that the test makes."""

import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from demo_flow.catalogue.shipped import read_pack
from demo_flow.making import catalogue as build
from demo_flow.making import sources
from demo_flow.making.catalogue import Good, choose_colours
from demo_flow.making.garments.table import GARMENTS
from demo_flow.making.recolour import PALETTE, paint, study
from demo_flow.making.sources import Package, SourceProblem, fetch
from demo_flow.making.words import languages


def ball(fill: str = "#c03030") -> Image.Image:
    """A ball with a green spot on nothing."""
    drawn = Image.new("RGBA", (256, 256))
    pen = ImageDraw.Draw(drawn)
    pen.ellipse((20, 20, 236, 236), fill=fill)
    pen.ellipse((100, 100, 140, 140), fill="#20a040")
    return drawn


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Packages as npm would unpack them, with one picture and its words."""
    (tmp_path / "pictures" / "assets").mkdir(parents=True)
    ball().save(tmp_path / "pictures" / "assets" / "26bd.webp", lossless=True)
    for code in languages():
        entry = {"⚽": {"tts": [f"{code} ball"], "default": ["round", f"{code} ball"]}}
        for package, folder in (("annotations", "annotations"), ("derived", "annotationsDerived")):
            file = tmp_path / package / folder / code / "annotations.json"
            file.parent.mkdir(parents=True)
            file.write_text(json.dumps({folder: {"annotations": entry if package == "annotations" else {}}}))
    places = {sources.PICTURES: "pictures", sources.ANNOTATIONS: "annotations", sources.DERIVED: "derived"}
    monkeypatch.setattr(build, "fetch", lambda package, cache: cache / places[package])
    monkeypatch.setattr(build, "read_goods", lambda: [Good("26bd", "test-ball", "sport", 4)])
    monkeypatch.setattr(build, "garment_rows", list)
    return tmp_path


def test_a_build_gives_the_thing_and_its_colours(packages: Path, tmp_path: Path) -> None:
    """Names and keywords come from the annotations; variants from the recolouring; the bytes are the same again."""
    out = tmp_path / "pack.parquet"
    assert build.build(out, packages) == 5
    first = out.read_bytes()
    items = read_pack(out)
    assert (items[0].id, items[0].colour) == ("test-ball", None)
    assert len({item.colour for item in items}) == 5
    assert items[0].names["de"] == "De ball"
    assert items[0].keywords["de"] == ("round",)
    assert len({item.price_cents for item in items}) == 1
    build.build(out, packages)
    assert out.read_bytes() == first


def test_garments_are_drawn_in_their_own_colour_and_in_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped pictures are those that the drawing gives again; black comes first of the other colours."""
    pytest.importorskip("resvg_py", reason="only the build of the catalogue draws")
    monkeypatch.setattr(build, "GARMENTS", {"fedora": GARMENTS["fedora"]})
    rows = list(build.garment_rows())
    shipped = {item.id: item for item in read_pack() if item.concept == "fedora"}
    assert [row["id"] for row in rows] == list(shipped)
    assert {None, "black"} <= {row["colour"] for row in rows}
    for row in rows:
        ours, theirs = (
            np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), int)
            for data in (row["image"], shipped[row["id"]].image)
        )
        assert np.abs(ours - theirs).mean() < 2


@pytest.mark.parametrize("colour", PALETTE)
def test_recolouring_changes_the_main_colour_alone(colour: str) -> None:
    """The ball takes the colour; the spot and the transparent ground stay as they were."""
    before = ball("#8090c0")
    after = paint(study(before), colour)
    wanted = np.array(PALETTE[colour])
    assert np.abs(np.array(after.getpixel((60, 128)))[:3] - wanted).max() <= 25
    assert np.abs(np.array(after.getpixel((120, 120))) - np.array(before.getpixel((120, 120)))).max() <= 2
    assert after.getpixel((2, 2))[3] == 0  # type: ignore[index]


def test_a_thing_is_not_offered_in_a_colour_it_has_already() -> None:
    """A red ball comes in other colours, the same ones every time."""
    good = Good("26bd", "ball", "sport", 10)
    chosen = choose_colours(good, study(ball("#d9262a")))
    assert "red" not in chosen
    assert len(chosen) >= 8
    assert chosen == choose_colours(good, study(ball("#d9262a")))


def archive_of(package: Package, cache: Path) -> None:
    (cache / "package").mkdir(parents=True)
    (cache / "package" / "package.json").write_text("{}")
    with tarfile.open(cache / package.archive, "w:gz") as tar:
        tar.add(cache / "package", "package")


def test_an_archive_with_another_checksum_is_refused(tmp_path: Path) -> None:
    """The message names the file and both checksums."""
    package = Package("@some/thing", "1.0.0", "0" * 64)
    archive_of(package, tmp_path)
    with pytest.raises(SourceProblem, match=r"some-thing-1\.0\.0\.tgz has SHA-256 .* expected 0{64}"):
        fetch(package, tmp_path)


def test_an_archive_that_is_there_is_unpacked_once(tmp_path: Path) -> None:
    """No download, and the second time not even unpacking."""
    named = Package("thing", "1.0.0", "")
    archive_of(named, tmp_path)
    package = Package("thing", "1.0.0", hashlib.sha256((tmp_path / named.archive).read_bytes()).hexdigest())
    folder = fetch(package, tmp_path)
    assert (folder / "package.json").exists()
    (folder / "mark").touch()
    assert (fetch(package, tmp_path) / "mark").exists()


def test_without_npm_the_error_states_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command ends with status 1 and one line."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "argv", ["build", "--out", str(tmp_path / "x.parquet"), "--cache", str(tmp_path)])
    assert build.main() == 1
    assert "npm is not installed; install Node.js" in capsys.readouterr().err
