"""Sends OTLP by gRPC.

In: encoded requests. Out: outcomes. State: one channel, opened at the first request, owned by the sender.

Calls block the sending thread and need none of gRPC's own threads: from Python 3.12 on none can be started while the
interpreter exits, which is when the last requests are sent. Closing the channel breaks a call off.

No fork happens while one of our threads is inside gRPC: gRPC leaves its fork handlers out then, and the child's gRPC
hangs or aborts, with new channels as well. So a fork waits for the request that is being sent, and breaks it off when
that takes too long; the request is then sent again. gRPC's own threads need a moment more to leave it behind.
"""

import os
import threading
import time
import weakref
from typing import Any

import grpc
import grpc._channel  # what gRPC imports for its first channel: not then, when a fork may come in the middle
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # no types are published
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # as above

from telemetry.pipeline.sending import Outcome, is_here
from telemetry.settings import ExporterSettings

_RETRYABLE = {
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DATA_LOSS,
}
"""As the OTLP specification lists them."""

_OPTIONS = (
    ("grpc.primary_user_agent", "search-telemetry"),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),  # a collector that was restarted is found within two seconds
    ("grpc.enable_retries", 0),  # the queue retries
    ("grpc.use_local_subchannel_pool", 1),  # the host's own channels are none of our business
)


class GrpcSender:
    """Sends requests of one signal to one collector."""

    def __init__(self, settings: ExporterSettings, method: str) -> None:
        self._settings = settings
        self._method = method
        self._channel: grpc.Channel | None = None
        self._export: Any = None
        self._closed = False
        self.called = 0.0  # when the last call was over, of time.monotonic
        self.calling = threading.Lock()  # held while a thread is inside gRPC, and during a fork
        _senders.add(self)

    def send(self, request: bytes, timeout: float) -> Outcome:
        """Send and return within about `timeout` seconds. Never raises."""
        with self.calling:
            try:
                if self._closed:
                    return Outcome(problem="the sender is closed")
                if self._export is None:
                    self._channel = _channel(self._settings)
                    self._export = self._channel.unary_unary(self._method, None, None)  # bytes in, bytes out
                return Outcome(self._export(request, timeout=timeout, metadata=self._settings.headers))
            except grpc.RpcError as error:
                return _outcome(error)
            except Exception as error:  # noqa: BLE001  a closed channel raises ValueError
                return Outcome(problem=f"{type(error).__name__}: {error}", retry=True)
            finally:
                self.called = time.monotonic()

    def close(self) -> None:
        """Break off what is being sent, from any thread. Nothing is sent afterwards."""
        self._closed = True
        self.break_off()

    def break_off(self) -> None:
        """Break off what is being sent, from any thread. The next request opens a channel of its own."""
        channel, self._channel, self._export = self._channel, None, None
        if channel is not None:
            channel.close()


_senders: "weakref.WeakSet[GrpcSender]" = weakref.WeakSet()
_FORK_WAITS = 0.1  # seconds
_SETTLES = 0.005  # seconds after which gRPC's own threads are through with a call


class _Forking(threading.local):
    """The senders that a thread holds back while it forks."""

    held: "list[GrpcSender]" = []  # noqa: RUF012  replaced, never changed


_forking = _Forking()


def _before_fork() -> None:
    _forking.held = [sender for sender in tuple(_senders) if _hold(sender)]
    called = max((sender.called for sender in _forking.held), default=0.0)
    time.sleep(max(0.0, called + _SETTLES - time.monotonic()))


def _hold(sender: GrpcSender) -> bool:
    if sender.calling.acquire(timeout=_FORK_WAITS):
        return True
    sender.break_off()
    return sender.calling.acquire(timeout=1.0)


def _after_fork_in_parent() -> None:
    for sender in _forking.held:
        sender.calling.release()
    _forking.held = []


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_senders.clear)


def _channel(settings: ExporterSettings) -> grpc.Channel:
    scheme, separator, host = settings.endpoint.partition("://")
    if not separator:
        scheme, host = "https" if settings.insecure is False else "http", settings.endpoint
    target = settings.endpoint if scheme == "unix" else host.rstrip("/")
    # gRPC takes a proxy from the environment even for this machine, unless `no_proxy` names it.
    options = (*_OPTIONS, ("grpc.enable_http_proxy", int(not is_here(target))))
    compression = grpc.Compression.Gzip if settings.compression == "gzip" else grpc.Compression.NoCompression
    if scheme != "https":
        return grpc.insecure_channel(target, options=options, compression=compression)
    files = (settings.certificate, settings.client_key, settings.client_certificate)
    credentials = grpc.ssl_channel_credentials(*(None if path is None else path.read_bytes() for path in files))
    return grpc.secure_channel(target, credentials, options=options, compression=compression)


def _outcome(error: Any) -> Outcome:
    code = error.code()
    wait = _asked_wait(error)
    # RESOURCE_EXHAUSTED without a time to wait means that the request is too big or the quota spent: see OTLP.
    retry = code in _RETRYABLE and (code is not grpc.StatusCode.RESOURCE_EXHAUSTED or wait is not None)
    return Outcome(problem=f"{code.name}: {error.details()}", retry=retry, wait=wait)


def _asked_wait(error: Any) -> float | None:
    """Return the seconds in the status's `RetryInfo`, which is how OTLP by gRPC says when to come back."""
    for name, value in error.trailing_metadata() or ():
        if name == "grpc-status-details-bin":
            for detail in Status.FromString(value).details:
                info = RetryInfo()
                if detail.Unpack(info):
                    delay = info.retry_delay
                    return float(delay.seconds) + float(delay.nanos) / 1e9
    return None
