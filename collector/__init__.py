"""Receives telemetry, keeps it, and says what can be said of it."""
