"""OTLP: what is sent and how, by gRPC and by HTTP."""
