"""The version of this library."""

from importlib.metadata import PackageNotFoundError, version


def own_version() -> str:
    """Return the version of this library; "" if it is not installed."""
    try:
        return version("search-telemetry")
    except PackageNotFoundError:
        return ""
