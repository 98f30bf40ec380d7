"""Requests over HTTP, such as those of Pamazon's page."""

from typing import Final

from telemetry.conventions.kinds import Attribute, SpanName
from telemetry.conventions.request import ERROR_TYPE

HTTP_REQUEST_METHOD: Final = Attribute("http.request.method", "string", "`GET`, `POST`, …")
HTTP_ROUTE: Final = Attribute("http.route", "string", "Path of the request, without what differs between requests.")
HTTP_RESPONSE_STATUS_CODE: Final = Attribute("http.response.status_code", "int", "`200`, `400`, …")
URL_SCHEME: Final = Attribute("url.scheme", "string", "`http` or `https`.")

HTTP_SERVER: Final = SpanName(
    "{METHOD} /{path}/{operation}", "server", "One incoming request over HTTP.",
    (HTTP_REQUEST_METHOD, HTTP_ROUTE, HTTP_RESPONSE_STATUS_CODE, URL_SCHEME, ERROR_TYPE),
)  # fmt: skip
