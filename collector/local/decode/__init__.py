"""From OTLP messages to rows."""
