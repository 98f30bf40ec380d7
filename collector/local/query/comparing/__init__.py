"""Compares traces by path: two of them, slow against typical ones, one version against another."""

from collector.local.query.comparing.comparing import Comparison, compare

__all__ = ["Comparison", "compare"]
