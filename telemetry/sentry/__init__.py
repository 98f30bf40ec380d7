"""Sentry: errors from the process by its own SDK, and what the Collector needs for traces and logs.

In: a DSN. Out: error events that lead to their trace; the two variables of the Collector's layer. State: none here.

Traces and logs go to Sentry through the Collector (`collector/otelcol/sentry.yaml`); errors go from here, because
Sentry drops the exception events of OpenTelemetry's spans.
"""
