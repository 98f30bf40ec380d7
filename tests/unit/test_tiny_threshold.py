"""The calibration of `pamazon-tiny`: which score means that nothing was found."""

import json
from pathlib import Path

import numpy as np
import pytest

import demo_flow.model
from demo_flow.making.calibrate import choose, nonsense

STORED = json.loads((Path(demo_flow.model.__file__).parent / demo_flow.model.THRESHOLD).read_text(encoding="utf-8"))


def test_the_threshold_separates_searches_from_nonsense() -> None:
    """It lies between two groups that do not overlap; a kind with many texts counts no more than one with few."""
    near, far = np.full(1000, 0.5, np.float32), np.array([0.9], np.float32)
    assert choose({"near": near, "far": far}, {"noise": np.array([0.2, 0.405], np.float32)}) == pytest.approx(0.41)
    assert choose({"near": near, "far": far}, {"a": np.array([0.55]), "b": np.array([0.6])}) == pytest.approx(0.61)


def test_nonsense_is_the_same_on_every_run_and_of_several_kinds() -> None:
    """Made up from a fixed seed, or written down."""
    texts = nonsense(["winter jacket"])
    assert texts == nonsense(["winter jacket"])
    assert set(texts) == set(STORED["nonsense"])
    assert all(len(set(found)) > 15 for found in texts.values())


def test_the_stored_threshold_keeps_what_shoppers_mean_and_drops_what_means_nothing() -> None:
    """Nearly all names are found, and nine in ten texts of nonsense find nothing."""
    right = {kind: facts["right"] for group in ("searches", "nonsense") for kind, facts in STORED[group].items()}
    assert right["names"] >= 0.97
    assert np.mean([facts["right"] for facts in STORED["nonsense"].values()]) >= 0.9
