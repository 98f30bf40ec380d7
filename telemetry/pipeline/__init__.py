"""From ended spans, log records and measurements to the collector.

In: what the SDK's providers hand over, on any thread. Out: OTLP requests, on our own daemon threads. State: bounded
queues and the counts of what became of each item; both owned by the pipelines, which `telemetry.setup.configure` makes.
"""
