"""Loads an encoder by its name, runtime and device; each call loads it again."""

import difflib
import importlib.util

from demo_flow.encoders.base import TINY, Encoder, EncoderUnavailable

RUNTIMES = ("onnx", "torch")
DEVICES = ("cpu", "cuda")


def load_encoder(name: str, *, runtime: str | None = None, device: str = "cpu", threads: int | None = None) -> Encoder:
    """Load `pamazon-tiny`, or an OpenCLIP model such as `ViT-B-32::openai` or `ViT-B-32::/path/to/checkpoint.pt`.

    `runtime` is `onnx` or `torch`; None takes the only one that can: onnx for pamazon-tiny on `cpu`, torch for anything
    else. `device` is `cpu` or `cuda`. `threads` bounds the threads of one forward pass on the CPU; None leaves it to
    the runtime (torch) or takes one (onnx: a pass of the tiny model is over before a second thread has begun).

    Raises EncoderUnavailable, which names what to install, download or choose instead.
    """
    _check_choice("runtime", runtime, RUNTIMES)
    _check_choice("device", device, DEVICES)
    if name != TINY and "::" not in name:
        near = difflib.get_close_matches(name, [TINY], cutoff=0.5)
        raise EncoderUnavailable(
            f"There is no encoder {name!r}.",
            f"Did you mean {TINY}?" if near else f"Use {TINY}, or an OpenCLIP model such as ViT-B-32::openai.",
        )
    runtime = runtime or ("onnx" if name == TINY and device == "cpu" else "torch")
    if runtime == "onnx":
        return _load_onnx(name, device, threads)
    _prepare_torch(name, device, threads)
    if name == TINY:
        from demo_flow.encoders.tiny_torch import TinyTorchEncoder

        return TinyTorchEncoder(device)
    from demo_flow.encoders.open_clip import load_open_clip

    return load_open_clip(name, device)


def _check_choice(what: str, chosen: str | None, choices: tuple[str, ...]) -> None:
    if chosen is not None and chosen not in choices:
        raise EncoderUnavailable(f"There is no {what} {chosen!r}.", f"Choose one of: {', '.join(choices)}.")


def _load_onnx(name: str, device: str, threads: int | None) -> Encoder:
    if name != TINY:
        raise EncoderUnavailable(f"{name} does not run on onnx.", "Leave the runtime out, or choose torch.")
    if device != "cpu":
        raise EncoderUnavailable(f"{name} on onnx runs on the CPU only.", "Choose the runtime torch for a GPU.")
    if importlib.util.find_spec("onnxruntime") is None:
        raise EncoderUnavailable(
            f"{name} needs the package onnxruntime, which is not installed.",
            "Install it with: pip install 'search-telemetry[demo]'",
        )
    from demo_flow.encoders.tiny_onnx import TinyOnnxEncoder

    return TinyOnnxEncoder(threads or 1)


def _prepare_torch(name: str, device: str, threads: int | None) -> None:
    """Raise EncoderUnavailable unless torch, the packages beside it and the device are there; set its threads."""
    for package in ("torch", "safetensors" if name == TINY else "open_clip"):
        if importlib.util.find_spec(package) is None:
            raise EncoderUnavailable(
                f"{name} on torch needs the package {package}, which is not installed.",
                "Install it with: pip install 'search-telemetry[clip]'",
            )
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise EncoderUnavailable(
            f"torch {torch.__version__} sees no GPU.",
            "Choose the device cpu; or check the driver with nvidia-smi, and that torch is a build with CUDA.",
        )
    if threads is not None:
        torch.set_num_threads(threads)  # torch has one setting for the whole process
