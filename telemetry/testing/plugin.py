"""The pytest plugin: fixtures for tests of instrumented code."""
