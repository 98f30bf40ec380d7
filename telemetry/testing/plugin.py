"""The plugin under its former name, which environments installed before know: see `search_telemetry_pytest`."""

from search_telemetry_pytest import logs, metrics, pytest_addoption, spans

__all__ = ["logs", "metrics", "pytest_addoption", "spans"]
