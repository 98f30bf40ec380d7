"""The request at an endpoint."""

from typing import Final

from telemetry.conventions.kinds import BYTES, COUNTS, SECONDS, Attribute, Instrument, Metric, SpanName

SEARCH_OPERATION: Final = Attribute(
    "search.operation", "string", "Operation of the request: the endpoint's name without its slash.", limit=12
)
CLIENT_PLATFORM: Final = Attribute(
    "client.platform", "string", "Platform of the client, such as `web`: one of the list of `configure`.", limit=12
)
CLIENT_REGION: Final = Attribute(
    "client.region", "string", "Country of the client, such as `de`: one of the list of `configure`.", limit=20
)
PLATFORMS: Final = ("web", "ios", "android", "linux", "windows", "macos")
"""The platforms unless `configure` names others."""
BAGGAGE: Final = (SEARCH_OPERATION, CLIENT_PLATFORM, CLIENT_REGION)
"""Baggage entries that become attributes on every span of the request. All others stay baggage."""
SEARCH_ENTRY: Final = Attribute(
    "search.entry", "boolean", "The request entered the flow at this endpoint; false: at one before it.", limit=2
)
INNER: Final = "false"
"""The value of `search.entry` in the baggage. The first endpoint sets it: what receives it is not the entry."""

SEARCH_OUTCOME: Final = Attribute(
    "search.outcome",
    "string",
    "`ok`; `rejected`: the caller's mistake; `cancelled`: the caller disconnected; `error`. On spans: the middle two.",
    limit=4,
)
ERROR_TYPE: Final = Attribute("error.type", "string", "Class of the exception, or the rpc status code.", limit=20)
LEN_DOCS: Final = Attribute("len_docs", "int", "Documents in the call.")
SEARCH_DOCS_TEXT: Final = Attribute(
    "search.docs.text",
    "string[]",
    "The start of the texts of the first documents in the call, if `capture_content` is on.",
)
SEARCH_FIRST_ITEM_DURATION: Final = Attribute(
    "search.first_item.duration", "double", "Seconds to the first item of a streamed response."
)

ENDPOINT: Final = SpanName(
    "/{endpoint}", "internal", "One request in an executor's endpoint.",
    (SEARCH_ENTRY, LEN_DOCS, SEARCH_DOCS_TEXT, SEARCH_FIRST_ITEM_DURATION, SEARCH_OUTCOME, ERROR_TYPE),
)  # fmt: skip

_CLIENT = (SEARCH_OPERATION, CLIENT_PLATFORM, CLIENT_REGION)
REQUEST_DURATION: Final = Metric(
    "search.request.duration", Instrument.HISTOGRAM, "s",
    "Duration of requests at an endpoint; platform and region at the entry only.",
    (SEARCH_OPERATION, SEARCH_ENTRY, CLIENT_PLATFORM, CLIENT_REGION, SEARCH_OUTCOME, ERROR_TYPE), SECONDS,
)  # fmt: skip
REQUEST_DOCUMENTS: Final = Metric(
    "search.request.documents", Instrument.HISTOGRAM, "{document}", "Documents in each request at its entry.",
    _CLIENT, COUNTS,
)  # fmt: skip
REQUEST_EMPTY: Final = Metric(
    "search.request.empty", Instrument.COUNTER, "{request}", "Requests without documents at their entry.", _CLIENT
)
CLIENT_DURATION: Final = Metric(
    "search.client.duration", Instrument.HISTOGRAM, "s", "Duration of requests where they are sent.",
    (*_CLIENT, SEARCH_OUTCOME, ERROR_TYPE), SECONDS,
)  # fmt: skip
FIRST_ITEM_DURATION: Final = Metric(
    "search.first_item.duration", Instrument.HISTOGRAM, "s", "Time to the first item of a streamed response.",
    (SEARCH_OPERATION,), SECONDS,
)  # fmt: skip
DOCUMENTS: Final = Metric(
    "search.documents", Instrument.COUNTER, "{document}", "Documents in the calls of endpoints.",
    (SEARCH_OPERATION, SEARCH_OUTCOME),
)  # fmt: skip
REQUEST_SIZE: Final = Metric(
    "search.request.size", Instrument.HISTOGRAM, "By", "Size of request messages that the server received.",
    (SEARCH_OPERATION, SEARCH_ENTRY), BYTES,
)  # fmt: skip
