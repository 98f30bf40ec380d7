"""Helpers for tests of instrumented code."""
