"""Compares a ratio of one platform, version or process with that of all others together.

In: recorded series of parts and wholes. Out: expressions. State: none. The rest is one ratio, not the mean of several.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Comparison:
    """Compares those that differ by one label and share others.

    Attributes:
        shared: labels that are the same for all that are compared, as PromQL lists them.
        own: the label by which they differ.
    """

    shared: str
    own: str

    @property
    def by(self) -> str:
        """All labels."""
        return f"{self.shared}, {self.own}"

    def ratio(self, part: str, whole: str, *, parts: float = 0, wholes: float = 0) -> str:
        """Return part / whole of each, where there are at least so many parts and wholes."""
        return f"{self._least(part, parts)} / ({self._sum(whole)} {_enough(wholes)})"

    def ratio_of_others(self, part: str, whole: str, *, wholes: float = 0) -> str:
        """Return part / whole of all others, with the labels of the one that is not among them."""
        return f"{self._others(part)} / ({self._others(whole)} {_enough(wholes)})"

    def _least(self, part: str, number: float) -> str:
        return f"({self._sum(part)} >= {number:g})" if number else self._sum(part)

    def _sum(self, series: str) -> str:
        return f"sum by ({self.by}) ({series})"

    def _others(self, series: str) -> str:
        return f"(sum by ({self.shared}) ({series}) - on ({self.shared}) group_right () {self._sum(series)})"


def _enough(number: float) -> str:
    return f">= {number:g}" if number else "> 0"
