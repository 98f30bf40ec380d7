"""The local collector: OTLP in, DuckDB, a query API; nothing to install beside it."""
