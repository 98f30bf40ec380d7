"""Fills the torch towers with the weights that ship as safetensors."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

from demo_flow.model.towers import ImageTower, TextTower

WEIGHTS = Path(__file__).parent / "pamazon-tiny.safetensors"


def load_towers(path: Path = WEIGHTS, device: str = "cpu") -> tuple[TextTower, ImageTower]:
    """The text and the image tower on `device` (`cpu`, `cuda`, …), in evaluation mode, in 32-bit numbers."""
    state = load_file(path)
    text = {key.removeprefix("text."): value for key, value in state.items() if key.startswith("text.")}
    image = {key.removeprefix("image."): value.float() for key, value in state.items() if key.startswith("image.")}
    towers = TextTower(), ImageTower(folded=True)
    towers[0].load_state_dict(_widen(text))
    towers[1].load_state_dict(image)
    return towers[0].to(device).eval(), towers[1].to(device).eval()


def _widen(text: dict[str, Tensor]) -> dict[str, Tensor]:
    """8-bit rows times their 16-bit scales; the rest from 16 to 32 bits."""
    table = text.pop("table").float() * text.pop("scale").float()
    return {"table.weight": table, **{key: value.float() for key, value in text.items()}}
