"""Puts our interceptors into every server and channel made from now on.

In: `instrument_grpc()`, once. Out: `grpc.server`, `grpc.insecure_channel`, `grpc.secure_channel` and those of
`grpc.aio`, replaced by functions that add our interceptors. State: the originals, owned by this module until
`uninstrument_grpc()`. Servers and channels made before, or by names imported before (`from grpc import server`), stay
as they are.
"""

import functools
import threading
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any, Final

import grpc
import grpc.aio

from telemetry.rpc.aio import client as aio_client
from telemetry.rpc.aio import server as aio_server
from telemetry.rpc.calls.contributed import CONTRIBUTED
from telemetry.rpc.calls.names import Filter
from telemetry.rpc.threads import client, server

Make = Callable[..., Any]

_lock: Final = threading.Lock()  # guards _replaced
_replaced: Final[dict[tuple[ModuleType, str], tuple[Make, Make]]] = {}


def instrument_grpc(filter_: Filter | None = None) -> None:
    """Trace all gRPC of this process, without a changed line: servers and channels made from now on, sync and aio.

    Arguments: `filter_` as in `telemetry.rpc.server_interceptors`. A second call changes nothing. Call it before other
    modules import names out of `grpc`; `configure` sets where the spans go.
    """
    with _lock:
        _replace(grpc, "server", lambda made: _adding(made, 2, lambda _: server.interceptors(filter_)))
        _replace(grpc.aio, "server", lambda made: _adding(made, 2, lambda _: aio_server.interceptors(filter_)))
        for name in ("insecure_channel", "secure_channel"):
            _replace(grpc, name, lambda made: _intercepted(made, filter_))

        def ours(target: str | None) -> list[Any]:
            return aio_client.interceptors(target, filter_)

        _replace(grpc.aio, "insecure_channel", lambda made: _adding(made, 3, ours))
        _replace(grpc.aio, "secure_channel", lambda made: _adding(made, 4, ours))


def uninstrument_grpc() -> None:
    """Undo `instrument_grpc`. Servers and channels made in between keep their interceptors."""
    with _lock:
        for (module, name), (ours, original) in _replaced.items():
            if getattr(module, name) is ours:  # else another library replaced ours, and calls it: that must stay
                setattr(module, name, original)
        _replaced.clear()


def _replace(module: ModuleType, name: str, around: Callable[[Make], Make]) -> None:
    if (module, name) in _replaced:
        return
    original = getattr(module, name)
    ours = functools.wraps(original)(around(original))
    setattr(module, name, ours)
    _replaced[module, name] = (ours, original)


def _intercepted(original: Make, filter_: Filter | None) -> Make:
    def channel(*args: Any, **kwargs: Any) -> Any:
        made = original(*args, **kwargs)
        return grpc.intercept_channel(made, *client.interceptors(_target(args, kwargs), filter_))

    return channel


def _adding(made: Make, position: int, ours: Callable[[str | None], list[Any]]) -> Make:
    """Return a function that calls `made` with ours among the interceptors, its argument at `position`."""

    def make(*args: Any, **kwargs: Any) -> Any:
        found = ours(_target(args, kwargs))
        if len(args) > position:
            args = (*args[:position], _joined(found, args[position] or ()), *args[position + 1 :])
        else:
            kwargs["interceptors"] = _joined(found, kwargs.get("interceptors") or ())
        return made(*args, **kwargs)

    return make


def _joined(ours: list[Any], given: Iterable[Any]) -> list[Any]:
    """Put ours before the user's, so that what those refuse is seen; but below the contributed ones, to join them."""
    interceptors = list(given)
    contributed = [one for one in interceptors if type(one).__module__.startswith(CONTRIBUTED)]
    return [*contributed, *ours, *(one for one in interceptors if one not in contributed)]


def _target(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
    target = kwargs.get("target", args[0] if args else None)
    return target if isinstance(target, str) else None
