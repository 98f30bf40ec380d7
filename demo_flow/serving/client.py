"""The gateway's client of an executor.

In: an endpoint, documents, parameters. Out: documents. State: one channel for each executor, kept open; gRPC connects
again by itself, within a second, when an executor has been away.
"""

from typing import Final

import grpc

import telemetry.rpc
from demo_flow.errors import Refused
from demo_flow.proto.pamazon_pb2 import Parameters, ProcessRequest, ProcessResponse
from demo_flow.proto.pamazon_pb2_grpc import ExecutorStub
from demo_flow.serving.endpoints import Documents
from demo_flow.serving.statuses import CALLERS

MESSAGE_SIZE: Final = 64 * 1024 * 1024
"""Largest message, in bytes: a batch of pictures is above gRPC's default of 4 MiB."""

CHANNEL_OPTIONS: Final = (
    ("grpc.max_send_message_length", MESSAGE_SIZE),
    ("grpc.max_receive_message_length", MESSAGE_SIZE),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.enable_http_proxy", 0),
)


class ExecutorClient:
    """One executor, seen from the gateway."""

    def __init__(self, name: str, address: str) -> None:
        self._where = f"{name} at {address}"
        self._channel = telemetry.rpc.traced(grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS), address)
        self._stub = ExecutorStub(self._channel)  # type: ignore[no-untyped-call]  # generated

    async def process(self, endpoint: str, docs: Documents, parameters: Parameters) -> Documents:
        """Send the documents through one endpoint.

        Raises Refused for the caller's mistake, else grpc.aio.AioRpcError, with a note that names the executor.
        """
        request = ProcessRequest(endpoint=endpoint, docs=docs, parameters=parameters)
        try:
            response: ProcessResponse = await self._stub.Process(request)
        except grpc.aio.AioRpcError as error:
            if error.code() in CALLERS:
                raise Refused(error.code(), error.details() or "") from error
            error.add_note(self._where)
            raise
        return response.docs

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close(None)
