"""How texts and pictures become numbers: the same on every machine, whatever a shopper types."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from demo_flow.model.features import BUCKETS, MAX_PIECES, MAX_WORDS, featurise, ids, normalise, pieces_of
from demo_flow.model.pixels import preprocess_image


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("Men’s Café-Jacke", "mens cafe jacke"),
        ("  BLACK   jacket!! ", "black jacket"),
        ("Größe", "grosse"),
        ("ＪＡＣＫＥＴ", "jacket"),
        ("ёлка", "елка"),
        ("ドレス", "ドレス"),
        ("कॉफ़ी।", normalise("कॉफ़ी")),
        ("men's & women's_t-shirt", "mens womens t shirt"),
        ("!?… —", ""),
        ("", ""),
    ],
)
def test_spellings_of_one_word_become_one(typed: str, plain: str) -> None:
    """Case, width, accents, apostrophes and punctuation make no difference."""
    assert normalise(typed) == plain


def test_words_of_scripts_with_vowel_signs_stay_whole() -> None:
    """Hindi's and Arabic's signs are part of their word."""
    assert len(normalise("हेडफ़ोन").split()) == 1
    assert len(normalise("مُعْطَف").split()) == 1


def test_pieces_mark_the_ends_of_a_word_and_dense_scripts_come_shorter() -> None:
    """Two to four letters with the ends; one to three characters of Han, Kana and Hangul."""
    assert pieces_of("bed") == ["<b", "be", "ed", "d>", "<be", "bed", "ed>", "<bed", "bed>"]
    assert pieces_of("黑外套") == ["黑", "外", "套", "黑外", "外套", "黑外套"]


def test_features_never_change() -> None:
    """The shipped weights hang on these very numbers: a change here needs a new training."""
    words, pieces = ids("Black jacket")
    assert words == [16232, 47837]
    assert (len(pieces), sum(pieces)) == (33, 962491)
    assert ids("Winterjacke 外套")[0] == [51219, 26851]


def test_a_misspelt_word_shares_pieces_with_the_right_one() -> None:
    """That is how a search with a typo still finds something."""
    right, wrong = set(pieces_of("backpack")), set(pieces_of("bakcpack"))
    assert len(right & wrong) / len(right) > 0.4
    assert len(right & set(pieces_of("guitar"))) == 0


def test_a_batch_is_padded_with_zeros() -> None:
    """One row for each text, as wide as the longest; a text without words is all padding."""
    batch = featurise(["black jacket", "", "coat"])
    assert batch.words.shape == (3, 2)
    assert (batch.words[1] == 0).all()
    assert (batch.pieces[1] == 0).all()
    assert batch.words[2].tolist() == [ids("coat")[0][0], 0]
    assert featurise([""]).pieces.shape == (1, 1)


@given(st.text(max_size=400))
def test_any_text_has_features_of_bounded_size(text: str) -> None:
    """Nothing a client sends raises, or costs more than a long query."""
    words, pieces = ids(text)
    assert len(words) <= MAX_WORDS
    assert len(pieces) <= MAX_PIECES
    assert all(0 < bucket < BUCKETS for bucket in words + pieces)


def encoded(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("size", [(64, 64), (8, 8), (300, 100), (40, 500)])
def test_a_picture_of_any_shape_becomes_a_square(size: tuple[int, int]) -> None:
    """64 × 64, three channels, what is missing is white."""
    pixels = preprocess_image(encoded(Image.new("RGB", size, "black")))
    assert pixels.shape == (3, 64, 64)
    assert pixels.dtype == np.float32
    white = preprocess_image(encoded(Image.new("RGB", (9, 9), "white")))
    assert pixels.min() < -2.0
    if size[0] != size[1]:
        assert pixels.max() == pytest.approx(white.max())


def test_what_is_transparent_counts_as_white() -> None:
    """A cut-out thing looks as it does on a shop's page."""
    clear = preprocess_image(encoded(Image.new("RGBA", (32, 32), (0, 0, 0, 0))))
    np.testing.assert_array_equal(clear, preprocess_image(encoded(Image.new("RGB", (32, 32), "white"))))


@pytest.mark.parametrize("data", [b"", b"no picture", encoded(Image.new("RGB", (50, 50)))[:60]])
def test_what_is_not_a_picture_is_a_value_error(data: bytes) -> None:
    """The message is one line that reports it."""
    with pytest.raises(ValueError, match="picture") as caught:
        preprocess_image(data)
    assert "\n" not in str(caught.value)
