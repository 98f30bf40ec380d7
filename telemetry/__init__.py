"""Telemetry for search pipelines."""
