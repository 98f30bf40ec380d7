"""The commands `telemetry collect`, `compact`, `services`, `traces`, `trace`, `logs` and `metrics`."""
