"""Writes a network as ONNX, one operator after another.

In: operators with their weights. Out: an ONNX model. State: the nodes and weights so far.

Weights are rounded to 16 bits and widened again by the model itself, which halves the file; the runtime does that once,
when it loads. torch's own exporter is not used: the two networks have a dozen operators between them, and what is
written here by hand needs no further package and is the same on every version of torch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, checker, helper, numpy_helper, save_model

OPSET, IR_VERSION = 17, 8  # old enough for every onnxruntime of the last years


class Graph:
    """An ONNX graph in the making; every method adds a node and returns the name of its result."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[Any] = []
        self._weights: list[Any] = []

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """A node with one result."""
        result = f"{operator.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [result], name=result, **attributes))
        return result

    def exact(self, name: str, values: npt.NDArray[Any]) -> str:
        """Weights or numbers kept as they are."""
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def weight(self, name: str, values: npt.NDArray[np.float16]) -> str:
        """16-bit weights, as 32-bit values."""
        return self.add("Cast", self.exact(name, values), to=TensorProto.FLOAT)

    def unit(self, vectors: str) -> str:
        """[n, d] -> the same with rows of length 1."""
        return self.add("LpNormalization", vectors, axis=1, p=2)

    def save(self, path: Path, inputs: dict[str, tuple[Any, list[Any]]], result: str, width: int) -> None:
        """Check the model and write it.

        Args:
            path: where to.
            inputs: element type and shape of each input; a text in a shape is a length that may vary.
            result: the node's result that is the model's output, [n, `width`].
            width: see there.
        """
        self._nodes.append(helper.make_node("Identity", [result], ["vectors"]))
        taken = [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()]
        given = [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["n", width])]
        graph = helper.make_graph(self._nodes, self._name, taken, given, self._weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        checker.check_model(model, full_check=True)
        save_model(model, path)
