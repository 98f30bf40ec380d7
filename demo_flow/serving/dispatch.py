"""Takes calls to the endpoints of this process's executor, and gives failures their status.

In: gRPC requests. Out: gRPC answers. State: the executor, once it has loaded.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import grpc
from opentelemetry import trace

import telemetry
from demo_flow.proto import pamazon_pb2_grpc
from demo_flow.proto.pamazon_pb2 import (
    DeleteRequest,
    DeleteResponse,
    DescribeRequest,
    DescribeResponse,
    Document,
    IndexRequest,
    IndexResponse,
    Parameters,
    ProcessRequest,
    ProcessResponse,
    SearchRequest,
    SearchResponse,
)
from demo_flow.serving.endpoints import Documents, Method, endpoints_of
from demo_flow.serving.errors import NotReady, UnknownEndpoint, status_of

log = logging.getLogger(__name__)

DEFAULT_LIMIT = 10
Context = grpc.aio.ServicerContext[Any, Any]


class Dispatcher:
    """Finds the method for an endpoint and runs it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.executor: object = None
        self.facts: Mapping[str, Any] = {}
        self._methods: Mapping[str, Method] | None = None

    def ready(self, executor: object) -> None:
        """Serve with `executor` from now on."""
        self.executor = executor
        self.facts = getattr(executor, "facts", {})
        self._methods = endpoints_of(executor)

    async def run(self, endpoint: str, docs: Documents, parameters: Parameters, context: Context) -> Documents:
        """Return what the endpoint returns, or end the call with the status of its failure."""
        try:
            return await self.ask(endpoint, docs, parameters)
        except Exception as error:  # noqa: BLE001 (whatever an executor raises becomes a status)
            await context.abort(*failure(error))

    async def ask(self, endpoint: str, docs: Documents, parameters: Parameters) -> Documents:
        """Return what the endpoint returns. Raises whatever it does, NotReady and UnknownEndpoint."""
        with telemetry.request(endpoint):
            return await self._method(endpoint)(docs, parameters)

    def _method(self, endpoint: str) -> Method:
        if self._methods is None:
            raise NotReady(f"{self.name} is still loading.", "Try again in a moment.")
        if endpoint not in self._methods:
            raise UnknownEndpoint(f"{self.name} has no endpoint {endpoint!r}.", f"It has {', '.join(self._methods)}.")
        return self._methods[endpoint]


def failure(error: Exception) -> tuple[grpc.StatusCode, str]:
    """Return the status of a failure and its message; one of this process's own goes to the log with its stack."""
    code, message = status_of(error)
    if code is grpc.StatusCode.INTERNAL and not isinstance(error, grpc.aio.AioRpcError):  # that one has its log
        log.error("a request failed", exc_info=error)
    return code, message


class ExecutorServicer(pamazon_pb2_grpc.ExecutorServicer):
    """The service of every executor."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    async def Process(self, request: ProcessRequest, context: Context) -> ProcessResponse:  # noqa: N802 (gRPC's name)
        """Take documents through one endpoint."""
        docs = await self._dispatcher.run(request.endpoint, request.docs, request.parameters, context)
        return ProcessResponse(docs=docs)

    async def Describe(self, request: DescribeRequest, context: Context) -> DescribeResponse:  # noqa: N802, ARG002
        """Return the executor's facts."""
        return DescribeResponse(facts={name: str(value) for name, value in self._dispatcher.facts.items()})


class GatewayServicer(pamazon_pb2_grpc.GatewayServicer):
    """The service of the gateway: a shop's requests, put as documents; every answer names its trace."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    async def Search(self, request: SearchRequest, context: Context) -> SearchResponse:  # noqa: N802
        """Find goods."""
        _sign(context)
        query = Document(text=request.text, image=request.image)
        limit = request.limit if request.HasField("limit") else DEFAULT_LIMIT
        threshold = request.threshold if request.HasField("threshold") else None
        parameters = Parameters(collection=request.collection, limit=limit, exact=request.exact, threshold=threshold)
        docs = await self._dispatcher.run("/search", [query], parameters, context)
        return SearchResponse(results=docs[0].matches, below_threshold=docs[0].below_threshold)

    async def Index(self, request: IndexRequest, context: Context) -> IndexResponse:  # noqa: N802
        """Keep documents."""
        _sign(context)
        parameters = Parameters(collection=request.collection, optimize=request.optimize)
        await self._dispatcher.run("/index", request.documents, parameters, context)
        return IndexResponse(indexed=len(request.documents))

    async def Delete(self, request: DeleteRequest, context: Context) -> DeleteResponse:  # noqa: N802
        """Forget documents."""
        _sign(context)
        docs: Sequence[Document] = [Document(id=name) for name in request.ids]
        await self._dispatcher.run("/delete", docs, Parameters(collection=request.collection), context)
        return DeleteResponse()


def _sign(context: Context) -> None:
    """Add to the trailing metadata, of errors too, who answers and, if telemetry is on, the id of the trace."""
    signature = [("served-by", "gateway")]
    identity = trace.get_current_span().get_span_context()
    if identity.is_valid:
        signature.append(("trace-id", trace.format_trace_id(identity.trace_id)))
    context.set_trailing_metadata(tuple(signature))
