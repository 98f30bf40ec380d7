"""Attaches and detaches OpenTelemetry contexts."""

from contextvars import Token

from opentelemetry import context as otel_context
from opentelemetry.context import Context


def attach(context: Context) -> Token[Context]:
    """Make `context` current in this task or thread; return a token for `detach`."""
    return otel_context.attach(context)


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
