"""The versions of installed distributions, from the names of their folders.

`importlib.metadata` finds the same, and its import takes longer than the rest of `configure`.
"""

import os
import sys
from collections.abc import Collection
from functools import cache
from typing import Final

_OWN: Final = "search-telemetry"
_SUFFIX: Final = ".dist-info"


@cache
def own_version() -> str:
    """Return the version of this library; "" if it is not installed."""
    found = installed({_OWN}).get(_OWN)
    if found is not None:
        return found
    from importlib.metadata import PackageNotFoundError, version  # it may lie in an archive, or be installed otherwise

    try:
        return version(_OWN)
    except PackageNotFoundError:
        return ""


def installed(names: Collection[str]) -> dict[str, str]:
    """Return the versions of those distributions of `names`, in lower case with hyphens, that are installed."""
    found: dict[str, str] = {}
    for folder in sys.path:
        try:
            entries = os.listdir(folder or ".")  # noqa: PTH208  the names are all
        except OSError:
            continue
        for entry in entries:
            if entry.endswith(_SUFFIX):
                name, _, version = entry.removesuffix(_SUFFIX).partition("-")
                found.setdefault(name.replace("_", "-").replace(".", "-").lower(), version)
    return {name: found[name] for name in names if name in found}
