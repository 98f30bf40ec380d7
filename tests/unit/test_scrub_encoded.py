"""Long base64 and hexadecimal texts are scrubbed in linear time, with every rule tried on them."""

import base64
import random
import time

import pytest

from telemetry.privacy.options import Scrub
from telemetry.privacy.rules import RULES
from telemetry.privacy.scrubber import Scrubber


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode, base64.b16encode])
def test_eight_times_the_text_takes_about_eight_times_as_long(encode: object) -> None:
    """A longer text holds more hints by chance, so that more rules are tried: here all are, in both texts."""
    assert callable(encode)
    hints = " ".join(hint for rule in RULES for hint in rule.hints)
    encoded = encode(random.Random(1).randbytes(24_000)).decode()
    mine = Scrubber(Scrub())
    assert seconds(mine, f"{hints} {encoded[:32_000]}") < 30 * max(seconds(mine, f"{hints} {encoded[:4_000]}"), 0.0005)


def seconds(mine: Scrubber, text: str) -> float:
    """Return the shortest time of three."""

    def once() -> float:
        begun = time.thread_time()
        mine.text(text)
        return time.thread_time() - begun

    return min(once() for _ in range(3))
