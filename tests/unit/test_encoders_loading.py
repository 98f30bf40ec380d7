"""Choosing an encoder: what is asked for is loaded, or the error has what to do."""

import importlib.util
from typing import Any

import pytest

from demo_flow.encoders import EncoderUnavailable, load_encoder


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        ({"name": "pamazon_tiny"}, "no encoder 'pamazon_tiny'", "Did you mean pamazon-tiny"),
        ({"name": "ViT-B-32"}, "no encoder 'ViT-B-32'", "ViT-B-32::openai"),
        ({"name": ""}, "no encoder ''", "pamazon-tiny"),
        ({"name": "pamazon-tiny", "runtime": "tensorrt"}, "no runtime 'tensorrt'", "onnx, torch"),
        ({"name": "pamazon-tiny", "device": "gpu"}, "no device 'gpu'", "cpu, cuda"),
        ({"name": "pamazon-tiny", "runtime": "onnx", "device": "cuda"}, "on the CPU only", "torch"),
        ({"name": "ViT-B-32::openai", "runtime": "onnx"}, "does not run on onnx", "torch"),
    ],
    ids=["typo", "no weights", "empty", "runtime", "device", "onnx on cuda", "open_clip on onnx"],
)
def test_what_cannot_be_loaded_states_what_can(arguments: dict[str, Any], message: str, hint: str) -> None:
    """Every wrong choice names the right ones; nothing else is loaded in its place."""
    with pytest.raises(EncoderUnavailable, match=message) as caught:
        load_encoder(**arguments)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("arguments", "missing", "extra"),
    [
        ({"name": "pamazon-tiny"}, "onnxruntime", "demo"),
        ({"name": "ViT-B-32::openai"}, "torch", "clip"),
        ({"name": "ViT-B-32::openai"}, "open_clip", "clip"),
        ({"name": "pamazon-tiny", "runtime": "torch"}, "safetensors", "clip"),
        ({"name": "pamazon-tiny", "device": "cuda"}, "torch", "clip"),
    ],
)
def test_a_missing_package_prints_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], missing: str, extra: str
) -> None:
    """Without the extra, one line to copy."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda package: None if package == missing else object())
    with pytest.raises(EncoderUnavailable, match=f"needs the package {missing}") as caught:
        load_encoder(**arguments)
    assert f"pip install 'search-telemetry[{extra}]'" in caught.value.hint
