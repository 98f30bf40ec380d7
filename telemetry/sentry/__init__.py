"""Sentry: errors are sent by Sentry's own SDK, because Sentry drops the exception events of OpenTelemetry's spans.

Traces and logs go to Sentry through the Collector (`collector/otelcol/sentry.yaml`).
"""
