"""The shortest number between two: where a threshold lies that separates them."""

from math import floor, log10


def simplest(low: float, high: float) -> float:
    """A number with as few digits as possible, above `low` and at most `high`; `high` itself if it is a whole number.

    Args:
        low: a finite number.
        high: a larger one.
    """
    if high == int(high) and abs(high) < 1e6:
        return high
    step = 10.0 ** floor(log10(max(abs(low), abs(high))))
    for _ in range(16):
        found = floor(high / step) * step
        if low < found <= high:
            return float(f"{found:.12g}")
        step /= 10
    return high
