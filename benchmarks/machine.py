"""The machine that a benchmark ran on, for its report."""

import os
import platform


def machine() -> str:
    """Return its processor, its cores and its Python."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
