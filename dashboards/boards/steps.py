"""Thresholds that mean the same on every board."""

from typing import Final

from dashboards.model import Step, Tone

FAILED: Final = (Step(None, Tone.GOOD), Step(0.001, Tone.WARNING), Step(0.01, Tone.BAD))
"""A share of requests that fail: our objective is 99.9 %."""
FULL: Final = (Step(None, Tone.GOOD), Step(0.8, Tone.WARNING), Step(0.95, Tone.BAD))
"""How full something with a limit is."""
NONE_WANTED: Final = (Step(None, Tone.GOOD), Step(0.0001, Tone.BAD))
"""Any of it is too much."""
TIMES_THE_FASTEST: Final = (Step(None, Tone.PLAIN), Step(2, Tone.WARNING), Step(4, Tone.BAD))
"""How many times as long something takes as the fastest of its kind."""
PLAIN: Final = (Step(None, Tone.PLAIN),)
"""A value that is neither good nor bad by itself."""
