"""Encoders behind one Protocol: texts and pictures become unit vectors in one space."""

from demo_flow.encoders.base import BadPicture, Batch, Encoder, EncoderUnavailable
from demo_flow.encoders.loading import TINY, load_encoder

__all__ = ["TINY", "BadPicture", "Batch", "Encoder", "EncoderUnavailable", "load_encoder"]
