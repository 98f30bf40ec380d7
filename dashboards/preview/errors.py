"""What a person can get wrong with the preview."""

from telemetry.errors import TelemetryError


class PreviewError(TelemetryError):
    """An address that is not valid, a port that is taken, a page that is not built."""
