"""Sends the errors of this process to Sentry, each linked to its OpenTelemetry trace.

In: exceptions that `recording.runs.exceptions` records, unhandled ones, and log records at ERROR and
above. Out: scrubbed error events, sent by Sentry's SDK on its own thread. State: the SDK's client.

The SDK's other features stay off: tracing, propagation, patches of other libraries, request bodies; local variables and
breadcrumbs are on only with `capture_content`. If the user has initialized Sentry before, their client is used as it
is, and only the link to the trace is added.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import sentry_sdk
from opentelemetry import trace
from opentelemetry.trace import Span
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import BreadcrumbHandler, EventHandler, ignore_logger
from sentry_sdk.scope import register_external_propagation_context
from sentry_sdk.utils import event_from_exception

from telemetry import conventions as c
from telemetry.config.settings import Settings
from telemetry.logs import attach_beside_root
from telemetry.pipeline.stats import SignalStats
from telemetry.privacy import scrub
from telemetry.privacy.urls import LOGGED
from telemetry.recording.guard import guard
from telemetry.recording.runs import exceptions
from telemetry.recording.runs.outcome import is_a

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint


_IGNORED_LOGGERS = ("opentelemetry", "search_telemetry", "grpc", "sentry_sdk", "urllib3", "requests")
_MAX_BREADCRUMBS = 50
_UNSCRUBBED = frozenset({"event_id", "timestamp", "platform", "level", "sdk", "contexts", "modules", "release", "dist"})
"""Parts that the SDK fills itself; their ids must not change."""


def scrub_event(event: "Event", hint: "Hint") -> "Event | None":  # noqa: ARG001  the SDK's signature
    """Scrub all texts of an event. The arguments of a log message are only kept inside the formatted message."""
    parts: dict[str, Any] = dict(event)
    entry = parts.get("logentry")
    if isinstance(entry, dict):
        message = scrub(entry.get("formatted") or entry.get("message"), LOGGED)
        parts["logentry"] = {"message": message, "formatted": message}
    for name in parts.keys() - _UNSCRUBBED:
        parts[name] = scrub(parts[name], name)
    errors = parts.get("exception")
    for error in errors.get("values") or () if isinstance(errors, dict) else ():
        if isinstance(error, dict):
            error["value"] = scrub(error.get("value"), "exception.message")
    return parts  # type: ignore[return-value]


class SentryErrors:
    """The pipeline of errors: flushed and closed together with those of the signals, under the same deadline."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._closed = False
        self._detach: Callable[[], None] = attach_beside_root(())
        self._owned = not sentry_sdk.is_initialized()
        register_external_propagation_context(_current_ids)
        self._open()

    def _open(self) -> None:
        if self._owned:
            _init(self._settings)
            self._listen(breadcrumbs=self._settings.capture_content)

    def _listen(self, *, breadcrumbs: bool) -> None:
        for name in _IGNORED_LOGGERS:
            ignore_logger(name)
            ignore_logger(f"{name}.*")
        crumbs = [BreadcrumbHandler(logging.INFO)] if breadcrumbs else []
        self._detach = attach_beside_root([*crumbs, EventHandler(logging.ERROR)])
        exceptions.set_error_listener(capture)

    def begin_flush(self) -> int:
        """Do nothing: the SDK sends without being asked."""
        return 0

    def finish_flush(self, target: int, deadline: float) -> bool:  # noqa: ARG002  the protocol's signature
        """Wait until all captured events are sent, at most until `deadline`."""
        if self._owned:
            sentry_sdk.flush(timeout=max(0.0, deadline - time.monotonic()))
        return True

    def begin_close(self, deadline: float, *, patient: bool) -> None:  # noqa: ARG002  the protocol's signature
        """Capture nothing more."""
        self._closed = True
        exceptions.set_error_listener(None)
        self._detach()

    def finish_close(self, deadline: float) -> bool:
        """Send the remaining events until `deadline`."""
        if self._owned:
            with guard:
                sentry_sdk.get_client().close(timeout=max(0.0, deadline - time.monotonic()), callback=_quiet)
        return True

    def stats(self) -> SignalStats:
        """Return no counts: Sentry counts lost events itself, in its client reports."""
        return SignalStats(owned=self._owned)

    def start(self) -> None:
        """Do nothing: the SDK starts its thread with the first event."""

    def begin_again(self) -> None:
        """Capture again after `close`; do nothing while it runs."""
        if self._closed:
            self._closed = False
            self._open()

    def renew(self) -> None:
        """Do nothing: the SDK starts a new thread in a forked child."""


def capture(exc: BaseException, span: Span) -> None:
    """Send one exception, linked to the span that it failed. Never raises."""
    if not is_a(exc, Exception) or is_a(exc, asyncio.CancelledError):
        return
    with guard:
        client = sentry_sdk.get_client()
        mechanism = {"type": "search-telemetry", "handled": False}
        try:
            event, hint = event_from_exception(exc, client_options=client.options, mechanism=mechanism)
        except Exception:  # noqa: BLE001  any access to an exception of the user's may raise
            value = {"type": exceptions.error_type(exc), "value": exceptions.message_of(exc), "mechanism": mechanism}
            event, hint = {"level": "error", "exception": {"values": [value]}}, {}
        context = span.get_span_context()
        if context.is_valid:
            ids: dict[str, object] = {
                "trace_id": trace.format_trace_id(context.trace_id),
                "span_id": trace.format_span_id(context.span_id),
            }
            event["contexts"] = {"trace": ids}
        event["transaction"] = getattr(span, "name", "")
        sentry_sdk.capture_event(event, hint)


def _init(settings: Settings) -> None:
    attributes = dict(settings.resource_attributes)
    sentry_sdk.init(
        dsn=settings.sentry_dsn,
        release=settings.version or attributes.get(c.SERVICE_VERSION.name) or None,
        environment=attributes.get("deployment.environment.name"),
        ca_certs=str(settings.sentry_ca) if settings.sentry_ca else None,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[ExcepthookIntegration(), DedupeIntegration()],
        include_local_variables=settings.capture_content,
        max_request_body_size="never",
        max_breadcrumbs=_MAX_BREADCRUMBS if settings.capture_content else 0,
        before_send=scrub_event,
        auto_session_tracking=False,
        enable_backpressure_handling=False,
        trace_propagation_targets=[],
        shutdown_timeout=0,
    )
    sentry_sdk.get_global_scope().set_tag(c.SERVICE_NAME.name, settings.service_name)


def _current_ids() -> tuple[str, str] | None:
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)


def _quiet(pending: int, timeout: float) -> Any:
    """Print nothing at the end, unlike the SDK's default callback."""
