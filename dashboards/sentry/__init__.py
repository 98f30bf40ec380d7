"""The boards and alerts for Sentry: their source, and in `boards/` and `alerts/` the JSON that is generated from it."""
