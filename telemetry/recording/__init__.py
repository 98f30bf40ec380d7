"""Records spans and metrics of calls, on whatever OpenTelemetry providers there are."""
