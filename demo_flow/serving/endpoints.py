"""Finds which method of an executor serves which endpoint.

In: classes whose methods are marked with `@requests(on=…)`, the name that Jina's users know. Out: the methods by
endpoint. State: the mark, on the function itself.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias, TypeVar

from demo_flow.proto.pamazon_pb2 import Document, Parameters

Documents: TypeAlias = Sequence[Document]
Method: TypeAlias = Callable[[Documents, Parameters], Awaitable[Documents]]
F = TypeVar("F", bound=Callable[..., Awaitable[Documents]])

_MARK = "__pamazon_endpoints__"


def requests(*, on: str | tuple[str, ...]) -> Callable[[F], F]:
    """Let a method serve the endpoints `on`, such as `("/index", "/search")`.

    The method takes the documents and the request's parameters, and returns documents.
    """

    def mark(method: F) -> F:
        setattr(method, _MARK, (on,) if isinstance(on, str) else on)
        return method

    return mark


def endpoints_of(executor: object) -> dict[str, Method]:
    """Return the bound methods of `executor` by the endpoint they serve."""
    marked = ((name, getattr(getattr(type(executor), name), _MARK, ())) for name in dir(type(executor)))
    return {endpoint: getattr(executor, name) for name, endpoints in marked for endpoint in endpoints}
