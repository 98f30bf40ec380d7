"""`telemetry dashboards publish`."""
