"""Receives, stores, queries and checks telemetry."""
