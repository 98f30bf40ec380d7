"""gRPC with threads, `grpc`: its clients, channels and servers."""
