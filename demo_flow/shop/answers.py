"""What the page is answered: goods as JSON, failures with their hint.

In: documents that the flow has answered, exceptions. Out: dictionaries for JSON. No state. What an index holds is
somebody else's: a name may be missing, or be anything.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final

import grpc

from demo_flow.errors import PamazonError
from demo_flow.proto.pamazon_pb2 import Document, Match
from demo_flow.serving.dispatch import failure
from demo_flow.shop.queries import TooLarge, WrongKind

STATUSES: Final[Mapping[grpc.StatusCode, int]] = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}
"""HTTP's status of a failure by gRPC's; any other is 500."""

_HINTS: Final[Mapping[grpc.StatusCode, str]] = {
    grpc.StatusCode.INVALID_ARGUMENT: "Use other words, or another picture.",
    grpc.StatusCode.UNAVAILABLE: "Is it running? pamazon up starts all of them; its terminal says which one ended.",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "The shop is full. Try again in a moment.",
    grpc.StatusCode.DEADLINE_EXCEEDED: "Try again; the trace shows where the time went.",
    grpc.StatusCode.INTERNAL: "The log of the process has more, under the id of the trace.",
}
_NAME: Final = 200
_NAMES: Final = 40
"""Characters of a name that are shown, and languages that it is in."""


def found(document: Document) -> dict[str, Any]:
    """Return the goods that were found for a document."""
    return {"results": goods(document.matches), "below_threshold": document.below_threshold}


def goods(matches: Sequence[Match]) -> list[dict[str, Any]]:
    """Return matches as the page shows them: id, name in each language, price, score."""
    return [_good(match) for match in matches]


def _good(match: Match) -> dict[str, Any]:
    try:
        payload = json.loads(match.payload or "{}")
    except (ValueError, RecursionError):
        payload = None
    known = payload if isinstance(payload, dict) else {}
    names, name, price = known.get("names"), known.get("name"), known.get("price_cents")
    return {
        "id": match.id,
        "name": name[:_NAME] if isinstance(name, str) and name else match.id,
        "names": _names(names) if isinstance(names, dict) else {},
        "price_cents": price if isinstance(price, int) and not isinstance(price, bool) else None,
        "score": round(match.score, 6),
    }


def _names(names: dict[str, Any]) -> dict[str, str]:
    return {code: text[:_NAME] for code, text in islice(names.items(), _NAMES) if isinstance(text, str) and text}


def refusal(error: Exception) -> tuple[int, dict[str, Any]]:
    """Return the status of a failure and its answer to the page: message and hint, never a stack."""
    if isinstance(error, TooLarge | WrongKind):
        return (413 if isinstance(error, TooLarge) else 415), _error("INVALID_ARGUMENT", error.message, error.hint)
    code, message = failure(error)
    hint = _HINTS.get(code, "")
    if isinstance(error, PamazonError):
        message, hint = error.message, error.hint
    return STATUSES.get(code, 500), _error(code.name, message, hint)


def _error(code: str, message: str, hint: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "hint": hint}}
