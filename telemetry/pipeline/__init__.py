"""Exports spans, log records and metrics.

In: items of the SDK's providers, on any thread. Out: OTLP requests, sent by our own daemon threads. State: bounded
queues and the counts of exported and dropped items, owned by the pipelines, which `telemetry.setup.configure` creates.
"""
