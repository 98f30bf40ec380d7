"""Keeps what gRPC makes anew for each call of an intercepted channel.

In: the continuation that gRPC gives an interceptor. Out: nothing; from then on gRPC calls the same object of the
channel below. State: that object, in gRPC's own one, as long as the user keeps that.

`channel.unary_unary(method)` makes a callable that serves any number of calls. Without interceptors users keep it; with
them gRPC makes the one below ours for each call, which takes more than half of what interceptors cost by themselves.
There is no public way to it. Where gRPC is not as expected, all stays as it is.
"""

from importlib import import_module
from typing import Any, Final

_grpc: Any = import_module("grpc._interceptor")
_KINDS: Final = tuple(
    kind
    for arity in ("UnaryUnary", "UnaryStream", "StreamUnary", "StreamStream")
    if isinstance(kind := getattr(_grpc, f"_{arity}MultiCallable", None), type)
)


_SELF: Final = 1  # the place of `self` among what gRPC's continuations enclose


class _Kept:
    """Returns the callable of a method: the same one for the method that it was made for."""

    __slots__ = ("_made", "_make", "_method")

    def __init__(self, make: Any, method: object) -> None:
        self._make = make
        self._method = method
        self._made = make(method)

    def __call__(self, method: object) -> Any:
        return self._made if method == self._method else self._make(method)


def keep(continuation: Any) -> None:
    """Have the callable below this continuation kept. Never raises."""
    try:
        called = continuation.__closure__[_SELF].cell_contents
        if type(called._thunk) is not _Kept and type(called) in _KINDS:  # noqa: SLF001  there is no public name
            called._thunk = _Kept(called._thunk, called._method)  # noqa: SLF001  as above
    except Exception:  # noqa: BLE001  another's continuation; or a channel that is closed, which the call will tell
        return
