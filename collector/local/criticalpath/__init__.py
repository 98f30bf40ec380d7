"""Critical paths beside the real Collector: OTLP spans in, OTLP metrics out, nothing stored."""
