"""The commands' client of the gateway, and a call that asks an executor for its facts.

In: requests. Out: answers with the id of their trace; failures as `RequestFailed`. State: one channel for each client.
"""

from types import TracebackType
from typing import Any, Final, Self, TypeVar

import grpc
from opentelemetry import trace

import telemetry.rpc
from demo_flow.errors import PamazonError
from demo_flow.flow import Role
from demo_flow.proto.pamazon_pb2 import (
    DescribeRequest,
    DescribeResponse,
    IndexRequest,
    IndexResponse,
    SearchRequest,
    SearchResponse,
)
from demo_flow.proto.pamazon_pb2_grpc import ExecutorStub, GatewayStub
from demo_flow.serving.client import CHANNEL_OPTIONS
from demo_flow.serving.statuses import CALLERS

R = TypeVar("R")

_UNSAMPLED: Final = (("traceparent", f"00-{1:032x}-{1:016x}-00"),)


class RequestFailed(PamazonError):
    """A request that ended with an error: its status, whose mistake it was, and its trace where there is one."""

    def __init__(self, error: grpc.RpcError, address: str, trace_id: str | None) -> None:
        self.code: grpc.StatusCode = error.code()
        trailing = _trailing(error)
        late = self.code is grpc.StatusCode.DEADLINE_EXCEEDED  # then there is no answer to name the trace
        self.trace_id = trailing.get("trace-id") or (trace_id if late else None)
        self.callers_mistake = self.code in CALLERS
        message = error.details() or ""
        hint = ""
        if self.code is grpc.StatusCode.UNAVAILABLE and "served-by" not in trailing:
            message, hint = f"No gateway answers at {address}.", "Open Pamazon first: pamazon up"
        elif self.code is grpc.StatusCode.DEADLINE_EXCEEDED:
            message, hint = f"The gateway at {address} did not answer in time.", "Allow more time with --timeout."
        elif not self.callers_mistake:
            message = f"{self.code.name}: {message}"
        super().__init__(message, hint)


class _TraceNoter(grpc.UnaryUnaryClientInterceptor):  # type: ignore[type-arg]  # generic only in the stubs
    """Notes the trace of the latest call, which runs inside its CLIENT span: a late answer cannot name it."""

    def __init__(self) -> None:
        self.trace_id: str | None = None

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        """Look at the current span and pass the call on."""
        identity = trace.get_current_span().get_span_context()
        self.trace_id = trace.format_trace_id(identity.trace_id) if identity.is_valid else None
        return continuation(client_call_details, request)


class GatewayClient:
    """A connection to a gateway, instrumented; a context manager."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._channel = grpc.insecure_channel(address, options=CHANNEL_OPTIONS)
        self._noter = _TraceNoter()
        channel = telemetry.rpc.traced(grpc.intercept_channel(self._channel, self._noter), address)
        self._stub = GatewayStub(channel)  # type: ignore[no-untyped-call]  # generated

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._channel.close()

    def search(
        self, request: SearchRequest, timeout: float, *, platform: str | None = None, region: str | None = None
    ) -> tuple[SearchResponse, str | None]:
        """Search, for `timeout` seconds at most; return the answer and its trace's id. Raises RequestFailed.

        `platform` and `region` are those of the caller.
        """
        with telemetry.request(platform=platform, region=region):
            return self._call(self._stub.Search, "/search", request, timeout)

    def index(self, request: IndexRequest, timeout: float) -> tuple[IndexResponse, str | None]:
        """Index a batch, for `timeout` seconds at most; see `search`."""
        return self._call(self._stub.Index, "/index", request, timeout)

    def _call(self, method: Any, operation: str, request: Any, timeout: float) -> tuple[Any, str | None]:
        try:
            with telemetry.client_request(operation):
                response, call = method.with_call(request, timeout=timeout)
        except grpc.RpcError as error:
            raise RequestFailed(error, self._address, self._noter.trace_id) from None
        return response, _trailing(call).get("trace-id")


def _trailing(call: Any) -> dict[str, str]:
    """Return the answer's trailing metadata, which the gateway signs; empty where none answered."""
    return {key: value for key, value in call.trailing_metadata() or () if isinstance(value, str)}


def describe(role: Role, address: str, fact: str) -> dict[str, str]:
    """Ask the executor of a role for its facts, without leaving a trace; `fact` is one that only it has.

    Raises PamazonError.
    """
    with grpc.insecure_channel(address, options=CHANNEL_OPTIONS) as channel:
        try:
            stub = ExecutorStub(channel)  # type: ignore[no-untyped-call]  # generated
            answer: DescribeResponse = stub.Describe(DescribeRequest(), timeout=10, metadata=_UNSAMPLED)
        except grpc.RpcError as error:
            raise PamazonError(
                f"No {role.name} answers at {address}.",
                f"Start one there: pamazon serve {role.name} --listen {address}",
            ) from error
    if fact not in answer.facts:
        raise PamazonError(f"What answers at {address} is not {role.name}, or is still loading.", "Check the address.")
    return dict(answer.facts)
