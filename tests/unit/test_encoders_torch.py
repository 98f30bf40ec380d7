"""`pamazon-tiny` on torch: the same space as on onnxruntime."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from demo_flow import model
from demo_flow.encoders import TINY, EncoderUnavailable, load_encoder

REASON = "the extra is not installed: pip install 'search-telemetry[clip]', or make test-clip"
torch: Any = pytest.importorskip("torch", reason=REASON)
pytest.importorskip("safetensors", reason=REASON)

ON_GPU = pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine"))
TEXTS = ["black jacket", "Winterjacke", "guitarra", "bakcpack", "傘", ""]


def pictures() -> list[bytes]:
    made = []
    for seed in range(6):
        buffer = io.BytesIO()
        pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((200, 120)).save(buffer, "PNG")
        made.append(buffer.getvalue())
    return made


@pytest.mark.parametrize("device", ["cpu", ON_GPU])
def test_both_runtimes_speak_of_the_same_space(device: str) -> None:
    """What one has indexed, the other can search: cosines of 0.99 and more (onnx keeps its table in 8 bits)."""
    on_torch, on_onnx = load_encoder(TINY, runtime="torch", device=device), load_encoder(TINY)
    assert (on_torch.runtime, on_torch.device, on_torch.dimension) == ("torch", device, on_onnx.dimension)
    texts = [encoder.encode_texts(encoder.prepare_texts(TEXTS)) for encoder in (on_torch, on_onnx)]
    images = [
        encoder.encode_images(np.stack([encoder.prepare_image(data) for data in pictures()]))
        for encoder in (on_torch, on_onnx)
    ]
    for ours, theirs in (texts, images):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-4)
        assert (ours * theirs).sum(axis=1).min() > 0.99


def test_weights_that_cannot_be_read_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which file, and how to get it back."""
    (tmp_path / "pamazon-tiny.safetensors").write_bytes(b"no tensors")
    monkeypatch.setattr(model, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(EncoderUnavailable, match=r"cannot be loaded from .*pamazon-tiny.safetensors") as caught:
        load_encoder(TINY, runtime="torch")
    assert "Install search-telemetry-demo again" in caught.value.hint


def test_a_gpu_that_is_not_there_is_reported_with_the_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    """No silent fallback to the CPU; `cuda` alone chooses torch."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(EncoderUnavailable, match="sees no GPU") as caught:
        load_encoder(TINY, device="cuda")
    assert "nvidia-smi" in caught.value.hint
