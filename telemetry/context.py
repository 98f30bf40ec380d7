"""Makes a context current, and the one before it current again.

In: OpenTelemetry contexts. Out: tokens. State: none; OpenTelemetry's context variable holds the context.
"""

from contextvars import Token

from opentelemetry import context as otel_context
from opentelemetry.context import Context


def attach(context: Context) -> Token[Context]:
    """Make `context` current in this task or thread; give the token back to `detach`."""
    return otel_context.attach(context)


def detach(token: Token[Context]) -> None:
    """Make the context before `attach` current again.

    OpenTelemetry's own `detach` logs an error where the token belongs to another task or thread. That happens to any
    `with` block in a generator that is closed elsewhere; nothing is left to restore there, so nothing is said.
    """
    try:
        token.var.reset(token)
    except (ValueError, RuntimeError):
        return
