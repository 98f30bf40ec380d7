"""OpenTelemetry's own test suites, run with our tracer provider in place of the SDK's (`make test-sdk`)."""
