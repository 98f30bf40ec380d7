"""A small runtime for executors: one gRPC server for each process, endpoints, readiness, status codes, draining."""
