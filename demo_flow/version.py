"""Pamazon's own version: `service.version` of all its processes."""

from importlib.metadata import PackageNotFoundError, version


def own_version() -> str | None:
    """Return the version of the installed distribution, None where the checkout is not installed."""
    try:
        return version("search-telemetry-demo")
    except PackageNotFoundError:
        return None
