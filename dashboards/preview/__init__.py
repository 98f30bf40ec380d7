"""`telemetry dashboards preview`."""
