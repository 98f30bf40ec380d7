"""Which version of this library runs."""

from importlib.metadata import PackageNotFoundError, version


def own_version() -> str:
    """Return the version of this library, "" where it runs from a checkout that is not installed."""
    try:
        return version("search-telemetry")
    except PackageNotFoundError:
        return ""
