"""Helpers for tests of instrumented code: the pytest fixtures `spans` and `metrics`.

In: nothing. Out: what a test recorded. State: see `telemetry.testing.recording`.
"""
