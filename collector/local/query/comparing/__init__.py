"""Compares traces by path: two of them, slow against typical ones, one version against another."""

from collector.local.query.comparing.comparing import Comparison, compare
from collector.local.query.comparing.sides import Wanted

__all__ = ["Comparison", "Wanted", "compare"]
