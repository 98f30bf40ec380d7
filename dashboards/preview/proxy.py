"""Passes the queries of the page on to Prometheus, and nothing else.

In: requests below `/prometheus`. Out: Prometheus' answers, or an error in the form of its API, which panels show.
State: one HTTP client, for as long as the application runs.
"""

import re
from typing import Final

import httpx
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from dashboards.preview.address import shown
from telemetry.otlp.target import is_loopback

PREFIX: Final = "/prometheus"
_QUERIES: Final = re.compile(
    r"/api/v1/(query|query_range|query_exemplars|series|labels|label/[A-Za-z_][A-Za-z0-9_]*/values)"
)
_SENT: Final = ("content-type", "accept", "accept-encoding")
_RETURNED: Final = ("content-type", "content-encoding")
_CONNECT_S: Final = 5.0
_READ_S: Final = 120.0
"""Prometheus' own limit of a query is two minutes."""


class Prometheus:
    """Where the queries are answered.

    Args:
        url: of Prometheus, as `base_url` returns it; may have user and password.
    """

    def __init__(self, url: httpx.URL) -> None:
        self.shown = shown(url)
        """Its URL, without user and password."""
        self._url = url.copy_with(username=None, password=None)
        auth = httpx.BasicAuth(url.username, url.password) if url.userinfo else None
        # Proxies of the environment are for other machines.
        self._client = httpx.AsyncClient(
            auth=auth, timeout=httpx.Timeout(_READ_S, connect=_CONNECT_S), trust_env=not is_loopback(url.host)
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def problem(self) -> str:
        """Return why no query can be answered; "" if Prometheus answers."""
        try:
            answer = await self._client.get(f"{self._url}/api/v1/query", params={"query": "1"}, timeout=_CONNECT_S)
            answer.raise_for_status()
        except httpx.HTTPStatusError as error:
            return f"{self.shown} answers {error.response.status_code} to a query: is it a Prometheus?"
        except httpx.HTTPError as error:
            return self._unreachable(error)
        return ""

    async def ask(self, request: Request) -> Response:
        """Return Prometheus' answer to a request of the page."""
        path = request.url.path.removeprefix(PREFIX)
        if not _QUERIES.fullmatch(path):
            return _error(404, "not_found", f"{path} is not a query: this preview passes on queries alone.")
        asked = self._client.build_request(
            request.method,
            f"{self._url}{path}",
            params=request.url.query,
            headers={name: value for name in _SENT if (value := request.headers.get(name))},
            content=await request.body(),
        )
        try:
            answer = await self._client.send(asked, stream=True)
        except httpx.TimeoutException as error:
            return _error(504, "timeout", self._unreachable(error))
        except httpx.HTTPError as error:
            return _error(502, "unavailable", self._unreachable(error))
        headers = {name: value for name in _RETURNED if (value := answer.headers.get(name))}
        return StreamingResponse(
            answer.aiter_raw(), answer.status_code, headers, background=BackgroundTask(answer.aclose)
        )

    def _unreachable(self, error: httpx.HTTPError) -> str:
        why = "it does not answer in time" if isinstance(error, httpx.TimeoutException) else str(error)
        return f"Prometheus cannot be reached at {self.shown}: {why or type(error).__name__}"


def _error(status: int, kind: str, text: str) -> Response:
    """Return an error in the form of Prometheus' API."""
    return JSONResponse({"status": "error", "errorType": kind, "error": text}, status)
