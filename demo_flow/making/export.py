"""Writes the trained towers in the two formats that ship: ONNX and safetensors, with the same weights.

The table of hashed words and pieces, nine tenths of the text tower, is kept as 8-bit numbers with one 16-bit scale for
each row; all other weights have 16 bits. Both formats hold exactly these numbers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from onnx import TensorProto
from safetensors.numpy import save
from torch import nn

from demo_flow.making.graph import Graph
from demo_flow.model.pixels import SIDE
from demo_flow.model.towers import DIMENSION, STAGES, ImageTower, TextTower

TEXT, IMAGE, WEIGHTS = "text.onnx", "image.onnx", "pamazon-tiny.safetensors"
State: TypeAlias = dict[str, npt.NDArray[Any]]


def export(text: TextTower, image: ImageTower, folder: Path) -> None:
    """Write all three files into `folder`."""
    text_state, image_state = shrink_text(text), shrink_image(image)
    write_text(text_state, folder / TEXT)
    write_image(image_state, folder / IMAGE)
    both = {f"text.{key}": value for key, value in text_state.items()}
    both |= {f"image.{key}": value for key, value in image_state.items()}
    (folder / WEIGHTS).write_bytes(save(both))


def shrink_text(tower: TextTower) -> State:
    """The text tower's weights: `table` int8 with `scale`, the others float16."""
    state = {key: value.detach().numpy() for key, value in tower.state_dict().items()}
    table = state.pop("table.weight")
    scale = (np.abs(table).max(axis=1, keepdims=True) / 127.0).astype(np.float16)
    rows = np.round(table / np.maximum(scale.astype(np.float32), 1e-8)).clip(-127, 127).astype(np.int8)
    return {"table": rows, "scale": scale, **{key: value.astype(np.float16) for key, value in state.items()}}


def shrink_image(tower: ImageTower) -> State:
    """The image tower's weights as float16, batch norms folded into the convolutions before them."""
    folded = ImageTower(folded=True)
    for ours, theirs in zip(convolutions(folded), convolutions(tower), strict=True):
        _fold(ours, theirs)
    folded.out.load_state_dict(tower.out.state_dict())
    return {key: value.detach().numpy().astype(np.float16) for key, value in folded.state_dict().items()}


def convolutions(tower: ImageTower) -> list[nn.Sequential]:
    """Each convolution of `tower`, with its batch norm if it has one, in the order of a pass."""
    return [
        tower.stem,
        *(part for block in tower.blocks for part in block.children() if isinstance(part, nn.Sequential)),
    ]


@torch.no_grad()  # type: ignore[untyped-decorator, unused-ignore]
def _fold(ours: nn.Sequential, theirs: nn.Sequential) -> None:
    """`ours` becomes the convolution that does what `theirs`, a convolution with its batch norm, does at inference."""
    conv, norm = theirs
    factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    ours[0].weight.copy_(conv.weight * factor[:, None, None, None])
    ours[0].bias.copy_(norm.bias - norm.running_mean * factor)


def write_text(state: State, path: Path) -> None:
    """`TextTower.forward` in ONNX: `words` and `pieces`, int64 [n, any], to [n, 192]."""
    graph = Graph("pamazon-tiny-text")
    table, scale = graph.exact("table", state["table"]), graph.weight("scale", state["scale"])
    gate = graph.weight("gate.weight", state["gate.weight"].T), graph.weight("gate.bias", state["gate.bias"])
    pooled = [_pool(graph, ids, table, scale, gate) for ids in ("words", "pieces")]
    x = graph.add("Concat", *pooled, axis=1)
    norm = graph.weight("norm.weight", state["norm.weight"]), graph.weight("norm.bias", state["norm.bias"])
    x = graph.add("LayerNormalization", x, *norm, axis=-1, epsilon=1e-5)
    wide = _linear(graph, "wide", state, x)
    wide = graph.add("Mul", wide, graph.add("Sigmoid", wide))
    skip = graph.add("MatMul", x, graph.weight("skip.weight", state["skip.weight"].T))
    result = graph.unit(graph.add("Add", _linear(graph, "out", state, wide), skip))
    inputs = {name: (TensorProto.INT64, ["n", name]) for name in ("words", "pieces")}
    graph.save(path, inputs, result, DIMENSION)


def _pool(graph: Graph, ids: str, table: str, scale: str, gate: tuple[str, str]) -> str:
    """`TextTower._pool`: the gated mean of the rows of `ids`."""
    rows = graph.add("Cast", graph.add("Gather", table, ids), to=TensorProto.FLOAT)
    rows = graph.add("Mul", rows, graph.add("Gather", scale, ids))
    open_ = graph.add("Sigmoid", graph.add("Add", graph.add("MatMul", rows, gate[0]), gate[1]))
    there = graph.add("Greater", ids, graph.exact(f"none_{ids}", np.array(0, np.int64)))
    there = graph.add("Cast", there, to=TensorProto.FLOAT)
    last, middle = graph.exact(f"last_{ids}", np.array([2])), graph.exact(f"middle_{ids}", np.array([1]))
    open_ = graph.add("Mul", open_, graph.add("Unsqueeze", there, last))
    total = graph.add("ReduceSum", graph.add("Mul", open_, rows), middle, keepdims=0)
    weight = graph.add("ReduceSum", open_, middle, keepdims=0)
    little = graph.exact(f"little_{ids}", np.array(1e-3, np.float32))
    return graph.add("Div", total, graph.add("Add", weight, little))


def write_image(state: State, path: Path) -> None:
    """`ImageTower.forward` in ONNX: `pixels`, float32 [n, 3, 64, 64], to [n, 192]."""
    graph = Graph("pamazon-tiny-image")
    x = graph.add("Relu", _convolution(graph, "stem.0", state, "pixels", 2))
    for index, (channels_in, channels_out, stride) in enumerate(STAGES):
        name = f"blocks.{index}"
        y = graph.add("Relu", _convolution(graph, f"{name}.first.0", state, x, stride))
        y = _convolution(graph, f"{name}.second.0", state, y, 1)
        same = stride == 1 and channels_in == channels_out
        short = x if same else _convolution(graph, f"{name}.short.0", state, x, stride)
        x = graph.add("Relu", graph.add("Add", y, short))
    x = graph.add("Flatten", graph.add("GlobalAveragePool", x))
    result = graph.unit(_linear(graph, "out", state, x))
    graph.save(path, {"pixels": (TensorProto.FLOAT, ["n", 3, SIDE, SIDE])}, result, DIMENSION)


def _convolution(graph: Graph, name: str, state: State, x: str, stride: int) -> str:
    kernel = state[f"{name}.weight"]
    weights = graph.weight(f"{name}.weight", kernel), graph.weight(f"{name}.bias", state[f"{name}.bias"])
    return graph.add("Conv", x, *weights, strides=[stride] * 2, pads=[kernel.shape[2] // 2] * 4)


def _linear(graph: Graph, name: str, state: State, x: str) -> str:
    weight = graph.weight(f"{name}.weight", state[f"{name}.weight"])
    return graph.add("Gemm", x, weight, graph.weight(f"{name}.bias", state[f"{name}.bias"]), transB=1)
