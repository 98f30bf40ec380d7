"""Encoders behind one Protocol: texts and pictures become unit vectors in one space."""

from demo_flow.encoders.base import TINY, BadPicture, Batch, Encoder, EncoderUnavailable
from demo_flow.encoders.loading import load_encoder
from demo_flow.encoders.space import space_of

__all__ = ["TINY", "BadPicture", "Batch", "Encoder", "EncoderUnavailable", "load_encoder", "space_of"]
