"""Trains `pamazon-tiny`: `python -m demo_flow.making.train --out FOLDER [--hold-out 0.1]`.

In: the shipped catalogue; with `--start FILE` also a model's weights, from which the training starts in place of random
ones. Out, in FOLDER: `checkpoint.pt` (every minute; the next start goes on from there) and, at the end, the model in
both formats (`export.py`). With a hold-out also `held_out.json`: how well the model does on what it never saw; such a
training always starts from random weights. State: the weights and the optimiser's.

Two phases. Joint: pictures and texts move towards each other and towards learnt prototypes of the items. Text: the
image tower is finished, and the text tower learns to hit its vectors, whole catalogue at once; steps cost a tenth.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from demo_flow.catalogue.catalogue import load
from demo_flow.making.augment import augment
from demo_flow.making.data import Corpus, TextSampler
from demo_flow.making.export import export
from demo_flow.making.hold_out import HoldOut, choose_hold_out
from demo_flow.making.objective import Prototypes, joint_loss, text_loss
from demo_flow.making.starting import start_from
from demo_flow.making.unpadded import encode
from demo_flow.model.towers import ImageTower, TextTower

CHECKPOINT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Settings:
    """The hyperparameters."""

    joint_steps: int = 1100
    text_steps: int = 1600
    images: int = 96  # in a step
    joint_texts: int = 768
    texts: int = 1024  # in a step of the text phase
    nonsense: int = 48  # beside them
    learning_rate: float = 2e-3
    hold_out: float = 0.0  # share of concepts, and of keywords, that are not learnt
    seed: int = 7
    threads: int = 2
    start: str = ""  # weights (safetensors) to start from; none for random ones


class Trainer:
    """Owns towers, prototypes, optimiser and the number of steps done."""

    def __init__(self, corpus: Corpus, settings: Settings, out: Path) -> None:
        """Start afresh, or go on from `out/checkpoint.pt`."""
        torch.manual_seed(settings.seed)
        torch.set_num_threads(settings.threads)
        self.corpus, self.settings, self.file = corpus, settings, out / "checkpoint.pt"
        self.text, self.image = TextTower(), ImageTower()
        concepts, colours = torch.from_numpy(corpus.item_concept), torch.from_numpy(corpus.item_colour)
        self.prototypes = Prototypes(concepts, colours)
        self.pixels = torch.from_numpy(corpus.pixels())
        if settings.start:
            self.text, self.image = start_from(Path(settings.start), self.pixels)
            self.prototypes.place(self.image_vectors())
        self.step, self.seconds = 0, 0.0
        self.optimiser = self._new_optimiser()
        if self.file.exists():
            self._restore()
        self.sampler = TextSampler(corpus, settings.seed + self.step)

    def run(self) -> None:
        """All steps that are still to do."""
        settings, total = self.settings, self.settings.joint_steps + self.settings.text_steps
        vectors: Tensor | None = None
        saved = started = time.monotonic()
        with tqdm(total=total, initial=self.step, mininterval=5.0) as bar:
            while self.step < total:
                joint = self.step < settings.joint_steps
                if not joint and vectors is None:
                    vectors = self.image_vectors()
                    if self.step == settings.joint_steps:
                        self.optimiser = self._new_optimiser()
                self._set_rate(joint)
                loss = self._joint_step() if joint else self._text_step(vectors)
                self.step += 1
                bar.update()
                bar.set_postfix(phase="joint" if joint else "text", loss=f"{loss:.3f}", refresh=False)
                if time.monotonic() - saved > CHECKPOINT_SECONDS or self.step == total:
                    self.seconds += time.monotonic() - started
                    saved = started = time.monotonic()
                    self._save()

    @torch.no_grad()  # type: ignore[untyped-decorator, unused-ignore]
    def image_vectors(self) -> Tensor:
        """Unit vectors [items, 192] of all pictures, as they will be indexed."""
        self.image.eval()
        vectors = torch.cat([self.image(part) for part in self.pixels.split(128)])
        self.image.train()
        return vectors

    def _joint_step(self) -> float:
        drawn = torch.randint(len(self.corpus.items), (self.settings.images,))
        texts, means = self._texts(self.settings.joint_texts, drawn.tolist())
        images = self.image(augment(self.pixels[drawn]))
        return self._descend(joint_loss(texts, images, means, drawn, self.prototypes))

    def _text_step(self, vectors: Tensor | None) -> float:
        assert vectors is not None  # noqa: S101 (the text phase computes them first)
        texts, means = self._texts(self.settings.texts, [])
        noise = encode(self.text, self.sampler.nonsense(self.settings.nonsense))
        cosines = torch.cat([texts, noise]) @ vectors.T
        return self._descend(text_loss(cosines, means, self.prototypes.scale))

    def _texts(self, count: int, items: list[int]) -> tuple[Tensor, Tensor]:
        texts, means = self.sampler.sample(count, items)
        return encode(self.text, texts), torch.from_numpy(means)

    def _descend(self, loss: Tensor) -> float:
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return float(loss.detach())

    def _new_optimiser(self) -> torch.optim.Optimizer:
        rate = self.settings.learning_rate
        table = [self.text.table.weight]
        rest = [
            p for tower in (self.text, self.image, self.prototypes) for p in tower.parameters() if p is not table[0]
        ]
        groups = [{"params": table, "factor": 2.0, "weight_decay": 0.0}, {"params": rest, "factor": 1.0}]
        return torch.optim.AdamW(groups, lr=rate, weight_decay=0.01, fused=True)

    def _set_rate(self, joint: bool) -> None:
        """Warm up over 50 steps, then fall along a cosine to zero, once in each phase."""
        settings = self.settings
        done = self.step if joint else self.step - settings.joint_steps
        of = settings.joint_steps if joint else settings.text_steps
        rate = settings.learning_rate * min(1.0, (done + 1) / 50) * (0.5 + 0.5 * math.cos(math.pi * done / of))
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["factor"]

    def _save(self) -> None:
        state: dict[str, Any] = {name: getattr(self, name).state_dict() for name in _PARTS}
        state |= {"step": self.step, "seconds": self.seconds, "settings": asdict(self.settings)}
        waiting = self.file.with_suffix(".new")
        torch.save(state, waiting)
        waiting.replace(self.file)

    def _restore(self) -> None:
        state = torch.load(self.file, weights_only=True)
        if state["settings"] != asdict(self.settings):
            raise SystemExit(f"{self.file} was made with other settings ({state['settings']}); choose another --out")
        for name in _PARTS:
            getattr(self, name).load_state_dict(state[name])
        self.step, self.seconds = state["step"], state["seconds"]


_PARTS = ("text", "image", "prototypes", "optimiser")


def train(settings: Settings, out: Path) -> None:
    """Train by `settings`, and write everything into `out`."""
    if settings.hold_out and settings.start:
        raise SystemExit("--hold-out and --start do not go together: the weights may have seen what is held out")
    out.mkdir(parents=True, exist_ok=True)
    items = load()
    held = choose_hold_out(items, settings.hold_out) if settings.hold_out else HoldOut()
    corpus = Corpus([item for item in items if item.concept not in held.concepts], held.keywords)
    trainer = Trainer(corpus, settings, out)
    trainer.run()
    export(trainer.text, trainer.image, out)
    facts = {"settings": asdict(settings), "seconds": round(trainer.seconds), "torch": torch.__version__}
    if settings.hold_out:
        from demo_flow.making.measure import held_out_figures

        (out / "held_out.json").write_text(json.dumps({**facts, **held_out_figures(out, held)}, indent=1) + "\n")
    (out / "training.json").write_text(json.dumps(facts, indent=1) + "\n")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Train pamazon-tiny on the shipped catalogue.")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoint and model")
    for name, value in asdict(Settings()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value, help="default: %(default)s")
    arguments = vars(parser.parse_args())
    train(Settings(**{name: value for name, value in arguments.items() if name != "out"}), arguments["out"])


if __name__ == "__main__":
    main()
