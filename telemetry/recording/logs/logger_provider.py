"""Our own logger provider, which loads the logs SDK when other code first needs it.

In: records of `logging`, from our handler; a resource; an exporter. Out: records, for the exporter; loggers. State: the
resource until the SDK is loaded, then the SDK's provider.

Our handler needs no logger, so the provider begins as an empty one of OpenTelemetry's API. The first record of a
logger that someone else asked for, or the first look at what only the SDK's provider has, makes one of the SDK's behind
it. From then on all records go through that one, ours too: a log record processor that is added gets every record.
"""

import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from opentelemetry import _logs
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from telemetry.recording.attributes import PLAIN
from telemetry.recording.child_resource import child_resource
from telemetry.recording.fork import Rank, importing, in_child, weakly

if TYPE_CHECKING:
    from opentelemetry.sdk import _logs as sdk

    from telemetry.recording.logs.sdk_logs import LogExport

_SDK: Final = "opentelemetry.sdk._logs"
_MOST_ATTRIBUTES: Final = 128  # the SDK's default; where a variable sets another one, the SDK is loaded


class Record(NamedTuple):
    """A record that is exported, as the SDK's `ReadableLogRecord` has it."""

    log_record: _logs.LogRecord
    resource: Resource
    instrumentation_scope: InstrumentationScope
    limits: None = None

    @property
    def dropped_attributes(self) -> int:
        """How many attributes had no room."""
        return getattr(self.log_record.attributes, "dropped", 0)


class LoggerProvider(_logs.LoggerProvider):
    """Makes loggers.

    Arguments: `resource`; `export`, which takes the records; `margin`, characters that the SDK keeps after its limit.
    """

    def __init__(self, resource: Resource, export: "LogExport", margin: int = 0) -> None:
        self._resource = resource
        self._export = export
        self._margin = margin
        self._scopes: dict[str, InstrumentationScope] = {}
        self._is_shut_down = False
        self._lock = threading.RLock()  # guards the next
        self._sdk: sdk.LoggerProvider | None = None
        in_child(Rank.PIPELINES, weakly(LoggerProvider._renew, self))

    @property  # type: ignore[misc]  # in the stubs it can be set
    def __class__(self) -> type:
        """The class for `isinstance`: the SDK's, once that is loaded."""
        found = getattr(sys.modules.get(_SDK), "LoggerProvider", None)
        return type(self) if found is None else found

    @property
    def resource(self) -> Resource:
        """The resource of all records."""
        return self._resource if self._sdk is None else self._sdk.resource

    def _update_resource(self, resource: Resource) -> None:  # named as in the SDK
        if self._sdk is None:
            self._resource = self._resource.merge(resource)
        else:
            self._sdk._update_resource(resource)  # noqa: SLF001  it has no public API

    def get_logger(
        self, name: str, version: str | None = None, schema_url: str | None = None, attributes: Any = None
    ) -> _logs.Logger:
        """Return a logger, which loads the SDK with its first record."""
        if self._sdk is not None:
            return self._sdk.get_logger(name, version, schema_url, attributes)
        return _Logger(self, name, version, schema_url, attributes)

    def emit(self, name: str, attributes: dict[str, Any], **values: Any) -> None:
        """Export a record of the logger `name`: what `logging` has recorded. Other arguments are those of `LogRecord`.

        Values of `attributes` are of the types that OpenTelemetry has.
        """
        if self._sdk is not None:
            self._sdk.get_logger(name).emit(attributes=attributes, **values)
            return
        bounded: Any = attributes
        if len(attributes) > _MOST_ATTRIBUTES or not all(map(_is_kept, attributes, attributes.values())):
            bounded = BoundedAttributes(_MOST_ATTRIBUTES, attributes, immutable=False, extended_attributes=True)
        record = _logs.LogRecord(attributes=bounded, **values)
        record.context = Context()  # a queue must not keep requests alive
        scope = self._scopes.get(name)
        if scope is None:
            scope = self._scopes[name] = InstrumentationScope(name)
        self._export.put(Record(record, self._resource, scope))

    def sdk(self) -> "sdk.LoggerProvider":
        """Return the SDK's provider, made when it is first asked for."""
        if self._sdk is not None:
            return self._sdk
        with importing:
            from telemetry.recording.logs.sdk_logs import make_provider
        with self._lock:
            if self._sdk is None:
                self._sdk = make_provider(self._resource, self._export, self._margin)
            return self._sdk

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.sdk(), name)

    def added(self) -> Sequence[Any]:
        """Return the log record processors that were added, unless they were shut down with the provider."""
        if self._sdk is None or self._is_shut_down:
            return ()
        every: Any = getattr(self._sdk, "_multi_log_record_processor", None)  # it has no public API
        processors: Sequence[Any] = getattr(every, "_log_record_processors", ())
        return processors[1:]  # the first one is ours

    def shutdown(self) -> None:
        """Export what is left, and take nothing more."""
        self._is_shut_down = True
        (self._export if self._sdk is None else self._sdk).shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Export what was taken so far; return whether that was possible."""
        return (self._export if self._sdk is None else self._sdk).force_flush(timeout_millis)

    def _renew(self) -> None:
        self._lock = threading.RLock()
        if self._sdk is None:  # else the SDK's own hook has done it
            self._update_resource(child_resource())


def _is_kept(name: str, value: object) -> bool:
    return type(value) in PLAIN and bool(name)


class _Logger(_logs.Logger):
    """A logger of the SDK's, made with its first record."""

    def __init__(self, provider: LoggerProvider, *scope: Any) -> None:
        super().__init__(*scope)
        self._provider = provider
        self._scope = scope
        self._made: _logs.Logger | None = None

    def _logger(self) -> _logs.Logger:
        made = self._made
        if made is None:
            made = self._made = self._provider.sdk().get_logger(*self._scope)
        return made

    def emit(self, *args: Any, **kwargs: Any) -> None:
        """Emit a record."""
        self._logger().emit(*args, **kwargs)

    def enabled(self, *args: Any, **kwargs: Any) -> bool:
        """Return whether a record would be exported."""
        made: Any = self._logger()
        return bool(made.enabled(*args, **kwargs))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._logger(), name)
