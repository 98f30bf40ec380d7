"""Encoders behind one Protocol: texts and pictures become unit vectors in one space."""
