"""What the metrics of an entry say of a request whose client tells nothing of itself."""

from typing import Any, Final

ENTRY: Final[dict[str, Any]] = {"search.entry": True, "client.platform": "_other", "client.region": "_other"}
