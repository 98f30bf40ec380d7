"""What the page receives when it opens, and what its browser may do: the settings of the shop.

In: the flow file's arguments for the page. Out: checked settings. No state.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from demo_flow.errors import PamazonError

_NAME: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\*")
NOWHERE: Final = "none"
"""The argument that leaves something out."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The page's arguments.

    `traces` is the address of a trace's page without its id, `otlp` where browsers send their spans, both as a browser
    reaches them and None where there is none; `catalogue` the folder whose pictures are shown, None for our own;
    `version` that of the process, which the page's spans have, too; `names` those under which browsers reach the shop,
    beside addresses and the names of this machine.
    """

    traces: str | None = None
    otlp: str | None = None
    catalogue: Path | None = None
    version: str | None = None
    names: Collection[str] = ()

    @classmethod
    def of(
        cls,
        *,
        traces: str,
        page_otlp: str,
        catalogue: str | None = None,
        shop_names: str | None = None,
        version: str | None = None,
    ) -> "Settings":
        """Check the arguments as they are in the flow file. Raises PamazonError."""
        return cls(
            _address("--traces", traces),
            (_address("--page-otlp", page_otlp) or "").rstrip("/") or None,
            Path(catalogue) if catalogue else None,
            version,
            _names(shop_names or ""),
        )

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins that the page calls beside its own: it asks whether they are there, and sends its spans."""
        return tuple(dict.fromkeys(_origin(address) for address in (self.traces, self.otlp) if address))


def _address(option: str, given: str) -> str | None:
    if given == NOWHERE:
        return None
    try:
        parts = urlsplit(given)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        known = False
    if not known or not given.isascii() or any(mark in given for mark in " ;,'\"<>\\?#"):
        raise PamazonError(
            f"{option} {given} is not an address of HTTP.", f"Write http://HOST:PORT, or {NOWHERE} to do without."
        )
    return given


def _names(given: str) -> frozenset[str]:
    names = frozenset(name.strip().lower() for name in given.split(",") if name.strip())
    for name in names:
        if not _NAME.fullmatch(name):
            raise PamazonError(
                f"--shop-names {name} is not the name of a machine.", "Write shop.example, without scheme and port."
            )
    return names


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
