"""A gRPC server that encodes texts and finds the nearest goods; prints its port, ends at SIGTERM."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from concurrent import futures
from typing import Any

import grpc

import telemetry
import telemetry.rpc

telemetry.configure("vectors", logs="otlp")
logging.basicConfig(level=logging.INFO)
log = logging.getLogger("vectors")
messages: Any
services: Any
messages, services = grpc.protos_and_services("vectors.proto")

GOODS = {"black jacket": 12.0, "hat": 3.0, "winter coat": 11.0}


class Vectors(services.VectorsServicer):  # type: ignore[misc]
    """The service of vectors.proto."""

    @telemetry.endpoint("/encode")
    def Encode(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 (the proto's name)
        """One vector for the texts."""
        if len(request.texts) > 4:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "at most four texts")
        with telemetry.stage("inference", minibatch_size=len(request.texts)):
            lengths = [float(len(text)) for text in request.texts]
            return messages.Vector(values=[sum(lengths) / len(lengths)])  # of no text: a fault of ours

    @telemetry.endpoint("/nearest")
    def Nearest(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802
        """The nearest goods, best first."""
        with telemetry.stage("index_search", top_k=request.top_k):
            near = sorted(GOODS, key=lambda name: abs(GOODS[name] - len(request.query)))[: request.top_k]
            telemetry.results(hits=len(near))
        log.info("found %d goods", len(near))
        for name in near:
            yield messages.Hit(name=name, score=1.0)


def main() -> None:
    """Serve until SIGTERM."""
    server = grpc.server(futures.ThreadPoolExecutor(4), interceptors=telemetry.rpc.server_interceptors())
    services.add_VectorsServicer_to_server(Vectors(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    signal.signal(signal.SIGTERM, lambda *_: server.stop(1))
    print(f"listening on 127.0.0.1:{port}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
