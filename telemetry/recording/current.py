"""Makes a context current, and the one before it current again.

In: OpenTelemetry contexts. Out: tokens. State: none; OpenTelemetry's context variable holds the context.
"""

from contextvars import Token

from opentelemetry import context as otel_context
from opentelemetry.context import Context


def attach(context: Context) -> Token[Context]:
    """Make `context` current in this task or thread; give the token back to `detach`."""
    return otel_context.attach(context)


def detach(token: Token[Context], attached: Context | None = None) -> None:
    """Make the context before `attach` current again.

    A `with` block in a generator may be left in another task or thread than it was entered in. OpenTelemetry's own
    `detach` logs an error then; here the context before is restored if `attached` is still the current one.
    """
    try:
        token.var.reset(token)
    except (ValueError, RuntimeError):
        if otel_context.get_current() is attached and token.old_value is not Token.MISSING:
            otel_context.attach(token.old_value)
