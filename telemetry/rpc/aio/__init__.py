"""gRPC with asyncio, `grpc.aio`: its clients, channels and servers."""
