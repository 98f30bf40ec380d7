"""`pamazon-tiny` as the demo runs it: the shipped weights on onnxruntime."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from demo_flow import model
from demo_flow.encoders import TINY, BadPicture, Encoder, EncoderUnavailable, load_encoder

TEXTS = ["black jacket", "Winterjacke", "guitarra", "傘", "", "a" * 5000]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder(TINY)


def picture(seed: int) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((200, 120)).save(buffer, "PNG")
    return buffer.getvalue()


def stack(encoder: Encoder, count: int) -> NDArray[np.float32]:
    return np.stack([encoder.prepare_image(picture(seed)) for seed in range(count)])


def test_it_describes_itself(encoder: Encoder) -> None:
    """Name, runtime, device and dimension are what spans and index need."""
    assert (encoder.name, encoder.runtime, encoder.device, encoder.dimension) == ("pamazon-tiny", "onnx", "cpu", 192)


def test_its_threshold_is_the_calibrated_one(encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It lies beside the weights; what is not a threshold is named."""
    stored = json.loads((Path(model.__file__).parent / "threshold.json").read_text())
    assert encoder.threshold == stored["threshold"]
    assert 0.2 < stored["threshold"] < 0.6
    other = load_encoder(TINY)
    (tmp_path / "threshold.json").write_text("{}")
    monkeypatch.setattr(model, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(EncoderUnavailable, match=r"threshold\.json"):
        _ = other.threshold


def test_texts_and_pictures_become_unit_vectors_in_their_order(encoder: Encoder) -> None:
    """In any language, of any length, in batches of any size: the same text always has the same vector."""
    texts = encoder.encode_texts(encoder.prepare_texts(TEXTS))
    pictures = encoder.encode_images(stack(encoder, 5))
    for vectors, count in ((texts, len(TEXTS)), (pictures, 5)):
        assert vectors.shape == (count, 192)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    alone = [encoder.encode_texts(encoder.prepare_texts([text]))[0] for text in TEXTS]
    np.testing.assert_allclose(texts, alone, atol=1e-5)
    one_by_one = [encoder.encode_images(one[None])[0] for one in stack(encoder, 5)]
    np.testing.assert_allclose(pictures, one_by_one, atol=1e-5)
    assert not np.allclose(texts[0], texts[1], atol=0.1)
    assert not np.allclose(pictures[0], pictures[1], atol=1e-3)


def test_threads_share_one_model(encoder: Encoder) -> None:
    """Many threads at once get what one gets alone, prepared and encoded."""
    alone = encoder.encode_images(stack(encoder, 16))
    with ThreadPoolExecutor(8) as pool:
        shared = list(
            pool.map(lambda seed: encoder.encode_images(encoder.prepare_image(picture(seed))[None])[0], range(16))
        )
    np.testing.assert_allclose(shared, alone, atol=1e-5)


def test_more_threads_in_a_pass_change_nothing_but_its_speed(encoder: Encoder) -> None:
    """`threads` is a setting of the machine, not of the model."""
    on_two = load_encoder(TINY, threads=2)
    pictures = stack(encoder, 4)
    np.testing.assert_allclose(on_two.encode_images(pictures), encoder.encode_images(pictures), atol=1e-5)


def test_no_picture_and_no_text_is_the_callers_error(encoder: Encoder) -> None:
    """Bad bytes and an empty minibatch never reach the model."""
    with pytest.raises(BadPicture, match="not a picture"):
        encoder.prepare_image(b"a letter")
    with pytest.raises(ValueError, match="no texts"):
        encoder.prepare_texts([])


@pytest.mark.parametrize("damage", ["missing", "empty", "not onnx"])
def test_weights_that_cannot_be_read_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    """Which file, and how to get it back."""
    if damage != "missing":
        for file in ("text.onnx", "image.onnx"):
            (tmp_path / file).write_bytes(b"" if damage == "empty" else b"no graph")
    monkeypatch.setattr(model, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(EncoderUnavailable, match=str(tmp_path / "text.onnx")) as caught:
        load_encoder(TINY)
    assert "Install search-telemetry-demo again" in caught.value.hint
