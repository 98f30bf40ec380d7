"""`python -m demo_flow.health HOST:PORT`: whether a role serves, for probes of containers.

The exit status is 0 if the role answers SERVING by gRPC's own health protocol.
"""

import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

_PATIENCE = 3.0  # seconds


def serves(address: str) -> bool:
    """Ask once."""
    with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=_PATIENCE)
        except grpc.RpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


if __name__ == "__main__":
    sys.exit(not serves(sys.argv[1]))
