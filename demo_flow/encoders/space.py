"""Names the space that an encoder's vectors are in; a folder may have that name."""

import hashlib
import re

import numpy as np

from demo_flow.encoders.base import Encoder


def space_of(encoder: Encoder) -> str:
    """Return the model's name and a fingerprint of its weights: `pamazon-tiny-7f2509f1`.

    Each set of weights has a space of its own: vectors of different ones are never compared, and a model that was
    trained again starts with an empty index. The fingerprint is of which components of one text's vector are the
    largest, so that it does not depend on how a machine rounds.
    """
    (vector,) = encoder.encode_texts(encoder.prepare_texts(["black jacket"]))
    largest = np.sort(np.argsort(-np.abs(vector))[:16]).astype("<u4")
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", encoder.name)
    return f"{name}-{hashlib.sha256(largest.tobytes()).hexdigest()[:8]}"
