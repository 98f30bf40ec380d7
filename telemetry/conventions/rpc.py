"""Calls between processes: the conventions' names, then the older ones that Sentry and Jaeger users filter by."""

from typing import Final

from telemetry.conventions.index import DB_COLLECTION_NAME
from telemetry.conventions.kinds import SECONDS, Attribute, Instrument, Metric, SpanName
from telemetry.conventions.request import ERROR_TYPE, SEARCH_ENTRY
from telemetry.conventions.stages import MINIBATCH_SIZE, MODEL

RPC_SYSTEM_NAME: Final = Attribute("rpc.system.name", "string", "`grpc`.", limit=4)
RPC_METHOD: Final = Attribute("rpc.method", "string", "Fully qualified: `package.Service/Method`.", limit=40)
RPC_RESPONSE_STATUS_CODE: Final = Attribute("rpc.response.status_code", "string", "`OK`, `NOT_FOUND`, …", limit=20)
RPC_SYSTEM: Final = Attribute("rpc.system", "string", "Older name of `rpc.system.name`.")
RPC_SERVICE: Final = Attribute("rpc.service", "string", "Older convention: `package.Service`.")
RPC_GRPC_STATUS_CODE: Final = Attribute("rpc.grpc.status_code", "int", "Older convention: the numeric status.")
SERVER_ADDRESS: Final = Attribute("server.address", "string", "Host that the client calls.")
SERVER_PORT: Final = Attribute("server.port", "int", "Port that the client calls.")
NETWORK_PEER_ADDRESS: Final = Attribute("network.peer.address", "string", "Address of the calling process.")

_RPC = (
    RPC_SYSTEM_NAME, RPC_METHOD, RPC_RESPONSE_STATUS_CODE, RPC_SYSTEM, RPC_SERVICE, RPC_GRPC_STATUS_CODE, ERROR_TYPE,
)  # fmt: skip
USED_BY_REQUEST: Final = (MODEL, DB_COLLECTION_NAME, MINIBATCH_SIZE)
"""What the first stage that has it sets on the SERVER span, too: backends group requests by it."""
RPC_CLIENT: Final = SpanName(
    "/{package.Service}/{Method}", "client", "One outgoing call.", (*_RPC, SERVER_ADDRESS, SERVER_PORT)
)
RPC_SERVER: Final = SpanName(
    "/{package.Service}/{Method}",
    "server",
    "One incoming call.",
    (*_RPC, NETWORK_PEER_ADDRESS, SEARCH_ENTRY, *USED_BY_REQUEST),
)

RPC_CLIENT_CALL_DURATION: Final = Metric(
    "rpc.client.call.duration", Instrument.HISTOGRAM, "s", "Duration of outgoing calls.",
    (RPC_SYSTEM_NAME, RPC_METHOD, RPC_RESPONSE_STATUS_CODE, ERROR_TYPE), SECONDS,
)  # fmt: skip
RPC_SERVER_CALL_DURATION: Final = Metric(
    "rpc.server.call.duration", Instrument.HISTOGRAM, "s", "Duration of incoming calls.",
    (RPC_SYSTEM_NAME, RPC_METHOD, RPC_RESPONSE_STATUS_CODE, ERROR_TYPE), SECONDS,
)  # fmt: skip
