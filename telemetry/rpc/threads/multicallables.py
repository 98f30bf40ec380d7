"""Keeps the multicallable below an interceptor, which gRPC makes again for each call.

In: the continuation that gRPC gives an interceptor. Out: nothing; from then on gRPC calls the same object of the
channel below. State: that object, in gRPC's own one, as long as the user keeps that.

`channel.unary_unary(method)` makes a callable that serves any number of calls. Without interceptors users keep it; with
them gRPC makes the one below ours for each call, which takes more than half of what interceptors cost by themselves.
It has no public API. Where gRPC is not as expected, nothing is changed.
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


class _KeptThunk:
    """Returns the callable of a method: the same one for the method that it was made for."""

    __slots__ = ("_made", "_make", "_method")

    def __init__(self, make: Any, method: object) -> None:
        self._make = make
        self._method = method
        self._made = make(method)

    def __call__(self, method: object) -> Any:
        return self._made if method == self._method else self._make(method)


def keep_multicallable(continuation: Any) -> None:
    """Keep the multicallable below this continuation. Never raises."""
    try:
        called = continuation.__closure__[_SELF].cell_contents
        if type(called._thunk) is not _KeptThunk and type(called) in _KINDS:  # noqa: SLF001  it has no public name
            called._thunk = _KeptThunk(called._thunk, called._method)  # noqa: SLF001  as above
    except Exception:  # noqa: BLE001  another library's continuation; or a closed channel, for which the call raises
        return
