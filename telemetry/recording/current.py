"""Attaches and detaches OpenTelemetry contexts.

OpenTelemetry's context lives in a `ContextVar`, unless `OTEL_PYTHON_CONTEXT` names another place. Where it does, the
variable's own methods are called, without OpenTelemetry's layers above them, which take most of the time.
"""

from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Any, Final

from opentelemetry import context as otel_context
from opentelemetry.context import Context

_variable: Final[Any] = getattr(getattr(otel_context, "_RUNTIME_CONTEXT", None), "_current_context", None)
_is_plain: Final = isinstance(_variable, ContextVar)

get_current: Final[Callable[[], Context]] = _variable.get if _is_plain else otel_context.get_current
"""Returns the current context of this task or thread."""

attach: Final[Callable[[Context], Token[Context]]] = _variable.set if _is_plain else otel_context.attach
"""Makes a context current in this task or thread; returns a token for `detach`."""


def detach(token: Token[Context], attached: Context | None = None) -> None:
    """Restore the context that was current before `attach`.

    A `with` block in a generator may exit in another task or thread than it was entered in, for which OpenTelemetry's
    `detach` logs an error. Here the previous context is restored if `attached` is still the current one.
    """
    try:
        token.var.reset(token)
    except (ValueError, RuntimeError):
        if otel_context.get_current() is attached and token.old_value is not Token.MISSING:
            otel_context.attach(token.old_value)
