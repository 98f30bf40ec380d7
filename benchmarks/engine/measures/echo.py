"""A service that echoes bytes, and its client: `python -m benchmarks.engine.measures.echo TARGET CALLS`."""

import sys
from typing import Any

import grpc

METHOD = "/bench.Echo/Echo"


def service(behavior: Any) -> list[Any]:
    """Return the handlers of a service with that behavior."""
    echo = grpc.unary_unary_rpc_method_handler(behavior)
    return [grpc.method_handlers_generic_handler("bench.Echo", {"Echo": echo})]


def main(target: str, calls: int) -> None:
    """Call it, one call after the other."""
    with grpc.insecure_channel(target) as channel:
        made: Any = channel
        echo = made.unary_unary(METHOD)
        for _ in range(calls):
            echo(b"x")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
