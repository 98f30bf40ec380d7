"""OpenCLIP models by their usual name, on a small checkpoint of random weights that this test makes."""

import io
import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from demo_flow.encoders import Encoder, EncoderUnavailable, load_encoder
from tests import recording_resolver

REASON = "the extra is not installed: pip install 'search-telemetry[clip]', or make test-clip"
open_clip: Any = pytest.importorskip("open_clip", reason=REASON)
torch: Any = pytest.importorskip("torch", reason=REASON)

ARCHITECTURE = "Smallest-16"
CONFIG = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An architecture that OpenCLIP knows from now on, and weights for it as OpenCLIP saves them."""
    folder = tmp_path_factory.mktemp("open_clip")
    (folder / f"{ARCHITECTURE}.json").write_text(json.dumps(CONFIG))
    open_clip.add_model_config(folder / f"{ARCHITECTURE}.json")
    torch.manual_seed(5)
    path = folder / "weights.pt"
    torch.save(open_clip.create_model(ARCHITECTURE).state_dict(), path)
    return str(path)


@pytest.fixture(scope="module")
def encoder(checkpoint: str) -> Encoder:
    return load_encoder(f"{ARCHITECTURE}::{checkpoint}")


def png(seed: int, mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 60, 4), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(buffer, "PNG")
    return buffer.getvalue()


def test_it_describes_itself(encoder: Encoder, checkpoint: str) -> None:
    """Name, runtime, device and dimension are what spans and index need."""
    assert (encoder.name, encoder.runtime, encoder.device, encoder.dimension) == (
        f"{ARCHITECTURE}::{checkpoint}",
        "torch",
        "cpu",
        24,
    )


def test_texts_and_pictures_come_out_as_from_open_clip_itself(encoder: Encoder, checkpoint: str) -> None:
    """Tokenizer, transforms, weights and normalisation are those of the library."""
    model, _, transform = open_clip.create_model_and_transforms(ARCHITECTURE, pretrained=checkpoint)
    model.eval()
    texts = ["a black jacket", "Winterjacke", "ギター " * 100]
    with torch.no_grad():
        expected_texts = model.encode_text(open_clip.get_tokenizer(ARCHITECTURE)(texts), normalize=True).numpy()
        pictures = [Image.open(io.BytesIO(png(seed))).convert("RGB") for seed in range(3)]
        expected_pictures = model.encode_image(torch.stack([transform(p) for p in pictures]), normalize=True).numpy()
    got_texts = encoder.encode_texts(encoder.prepare_texts(texts))
    got_pictures = encoder.encode_images(np.stack([encoder.prepare_image(png(seed)) for seed in range(3)]))
    np.testing.assert_allclose(got_texts, expected_texts, atol=1e-5)
    np.testing.assert_allclose(got_pictures, expected_pictures, atol=1e-5)
    for vectors in (got_texts, got_pictures):
        assert vectors.shape == (3, 24)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert not np.allclose(got_texts[0], got_texts[1])


def test_threads_share_one_model(encoder: Encoder) -> None:
    """Many threads at once get what one gets alone."""
    texts = [f"thing number {number}" for number in range(40)]
    alone = encoder.encode_texts(encoder.prepare_texts(texts))
    with ThreadPoolExecutor(8) as pool:
        shared = list(pool.map(lambda text: encoder.encode_texts(encoder.prepare_texts([text]))[0], texts))
    np.testing.assert_allclose(np.stack(shared), alone, atol=1e-5)


def test_no_texts_are_the_callers_error(encoder: Encoder) -> None:
    """An empty minibatch never reaches the model."""
    with pytest.raises(ValueError, match="no texts"):
        encoder.prepare_texts([])


def test_an_unknown_architecture_gets_the_nearest_ones() -> None:
    """A typo in the name is fixed by reading the message."""
    with pytest.raises(EncoderUnavailable, match="'ViT-B32'") as caught:
        load_encoder("ViT-B32::openai")
    assert re.search(r"\bViT-B-32\b", caught.value.hint)


def test_unknown_weights_get_the_nearest_ones() -> None:
    """The hint names tags of that architecture, and that a file will do."""
    with pytest.raises(EncoderUnavailable, match="'openia' is neither") as caught:
        load_encoder("ViT-B-32::openia")
    assert "openai" in caught.value.hint
    assert "checkpoint" in caught.value.hint


def test_missing_weights_name_their_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Away from the network: which weights, where they would come from, and what to do."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(EncoderUnavailable, match=r"ViT-B-32::openai.*timm/vit_base_patch32_clip_224.openai") as caught:
        load_encoder("ViT-B-32::openai")
    assert "ViT-B-32::/path/to/checkpoint" in caught.value.hint


@pytest.mark.parametrize("content", [b"", b"no checkpoint at all", None], ids=["empty", "text", "other architecture"])
def test_a_checkpoint_that_does_not_fit_is_named(tmp_path: Path, checkpoint: str, content: bytes | None) -> None:
    """A wrong file is distinguished from missing weights."""
    path = tmp_path / "other.pt"
    if content is None:
        state = torch.load(checkpoint)
        state["text_projection"] = torch.zeros(7, 7)
        torch.save(state, path)
    else:
        path.write_bytes(content)
    with pytest.raises(EncoderUnavailable, match=rf"The checkpoint {path} cannot be loaded as {ARCHITECTURE}"):
        load_encoder(f"{ARCHITECTURE}::{path}")


def test_a_gpu_that_is_not_there_is_reported_with_the_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    """No silent fallback to the CPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(EncoderUnavailable, match="sees no GPU") as caught:
        load_encoder("ViT-B-32::openai", device="cuda")
    assert "cpu" in caught.value.hint


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
def test_a_gpu_gives_the_same_vectors(encoder: Encoder, checkpoint: str) -> None:
    """The device changes the speed, not the space."""
    on_gpu = load_encoder(f"{ARCHITECTURE}::{checkpoint}", device="cuda")
    batch, stack = encoder.prepare_texts(["jacket"]), encoder.prepare_image(png(1))[None]
    assert on_gpu.device == "cuda"
    np.testing.assert_allclose(on_gpu.encode_texts(batch), encoder.encode_texts(batch), atol=1e-3)
    np.testing.assert_allclose(on_gpu.encode_images(stack), encoder.encode_images(stack), atol=1e-3)


ALONE = """
import sys
import open_clip
from demo_flow.encoders import load_encoder
import demo_flow.making.evaluate, demo_flow.making.export, demo_flow.making.train

open_clip.add_model_config(sys.argv[1])
encoder = load_encoder(sys.argv[2])
encoder.encode_texts(encoder.prepare_texts(["a coat"]))
"""


def test_neither_model_nor_training_looks_up_a_name(encoder: Encoder, checkpoint: str, tmp_path: Path) -> None:
    """What is on the disk is loaded and run without a word to any host; no package reports its usage."""
    reason = recording_resolver.why_not()
    if reason:
        pytest.skip(reason)
    names, architecture = tmp_path / "names", Path(checkpoint).with_name(f"{ARCHITECTURE}.json")
    command = [sys.executable, "-c", ALONE, str(architecture), encoder.name]
    done = subprocess.run(
        recording_resolver.unshared(names, *command), capture_output=True, text=True, timeout=100, check=False
    )
    assert (done.returncode, names.read_text("utf-8")) == (0, ""), done.stderr
