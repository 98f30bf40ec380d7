"""Spans: how one is started, and those of our own tracer provider, from a sampler's decision to the ended span."""
