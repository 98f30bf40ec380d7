"""`stage`: traces and times a named piece of work inside a request."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

from opentelemetry.trace import Link
from opentelemetry.util.types import AttributeValue

from telemetry import conventions as c
from telemetry.api.derived import add_gen_ai, used_by_request
from telemetry.errors import TelemetryError
from telemetry.recording import providers
from telemetry.recording.attributes import clean_and_check
from telemetry.recording.clock import metrics_generation
from telemetry.recording.guard import guard
from telemetry.recording.metrics.bound_records import BoundRecords, Records, Wanted
from telemetry.recording.request.bounds import bounds
from telemetry.recording.runs.block import Block, F, check_decorated
from telemetry.recording.runs.callables import wrap
from telemetry.recording.runs.exceptions import Ending
from telemetry.recording.runs.inside import is_framework_object, trace_inside
from telemetry.recording.runs.recorder import NO_RECORDER, Recorder, SpanRecorder

_NAMED = (c.DB_SYSTEM_NAME, c.DB_COLLECTION_NAME, c.DB_OPERATION_NAME)
"""Attributes of a decorated stage that are also attributes of its metrics."""
_FIXED: Final = frozenset({str, int, bool, float, type(None)})
_MOST_SHARED: Final = 1024
_in_use: Final = providers.current
_NONE: Final[Mapping[str, Any]] = {}


class stage(Block):  # noqa: N801  users write it as a decorator and in `with`, where names are lower case
    """Trace and time a piece of work.

    `with telemetry.stage("inference", minibatch_size=32) as span:` yields the OpenTelemetry span;
    `@telemetry.stage("encode")` does the same for each call of a function, coroutine, generator or async generator.
    A stage can be reused, nested in itself, and shared by tasks and threads.

    Arguments:
        name: the name of the span, and of the stage in metrics.
        attributes: attributes of the span whose names contain dots; others can be keyword arguments.
        links: links to other spans.

    Metrics: `search.stage.duration`; with the attribute `len_docs`, or else `minibatch_size`, also
    `search.batch.size`; with `db.system.name` also `db.client.operation.duration`.
    """

    __slots__ = ("_attributes", "_links", "_name", "_prepared")
    _of_runs: ClassVar[Mapping[str, Callable[[], object]]] = {"_open": list, "_prepared": lambda: None}

    def __init__(
        self,
        name: str,
        attributes: Mapping[str, object] | None = None,
        /,
        *,
        links: Sequence[Link] = (),
        **more: object,
    ) -> None:
        self._open = []
        if not isinstance(name, str):
            raise TelemetryError(f"stage needs a name, not {type(name).__name__}", 'write @telemetry.stage("encode")')
        self._name = name
        self._attributes = {**attributes, **more} if attributes else more
        self._links = links
        self._prepared: _Prepared | None = None

    def __call__(self, fn: F) -> F:
        """Return a wrapper of `fn`; each call is a run of this stage."""
        check_decorated("stage", fn)
        if is_framework_object(fn):
            traced: F = trace_inside("stage", fn, self)
            return traced
        for attribute, value in (
            (c.SEARCH_STAGE, self._name),
            *((one, self._attributes.get(one.name)) for one in _NAMED),
        ):
            if value is not None:
                bounds.declare(attribute, value)
        wrapped: F = wrap(fn, self._begin)
        return wrapped

    def _begin(self, _args: tuple[Any, ...] = (), _kwargs: Mapping[str, Any] = _NONE) -> Recorder:
        if not (_in_use.on or providers.recording()) or sys.is_finalizing():
            return NO_RECORDER
        try:
            prepared = self._prepared
            if prepared is None:
                # A `with` block makes its stage anew each time, mostly with the attributes of the time before.
                attributes, key = self._attributes, None
                kinds = tuple(map(type, attributes.values()))  # 1 and True are the same key, and are not the same
                if _FIXED.issuperset(kinds):
                    key = (self._name, *attributes, *attributes.values(), *kinds)
                    prepared = self._prepared = _shared.get(key)
                if prepared is None:
                    prepared = self._prepare(key)
            run = SpanRecorder(
                self._name, prepared.attributes, prepared.at_end, self._links, are_short=prepared.are_short
            )
            if prepared.used_by_request is not None:
                run.scope.describe(prepared.used_by_request, are_short=prepared.are_short)
            return run
        except Exception as error:  # noqa: BLE001  whatever it is, it is ours
            guard.caught(error)
        return NO_RECORDER

    def _prepare(self, key: tuple[object, ...] | None) -> "_Prepared":
        """Return what all runs share; kept unless a value, such as a list, may be another one at the next run."""
        prepared = _Prepared(self._name, *clean_and_check(self._attributes))
        if prepared.are_short:
            self._prepared = prepared
            if key is not None:
                if len(_shared) >= _MOST_SHARED:
                    _shared.clear()
                _shared[key] = prepared
        return prepared


class _Prepared:
    """What the runs of a stage have in common: attributes, and what records their metrics."""

    __slots__ = ("_database", "_last", "_name", "_operation", "_size", "are_short", "attributes", "used_by_request")

    def __init__(self, name: str, attributes: dict[str, AttributeValue], are_short: bool) -> None:
        self._name = name
        add_gen_ai(name, attributes)
        self.attributes = attributes
        self.are_short = are_short
        self.used_by_request = used_by_request(attributes)
        size = attributes.get(c.LEN_DOCS.name)
        if size is None:
            size = attributes.get(c.MINIBATCH_SIZE.name)
        self._size = size if isinstance(size, int) else None
        self._operation = attributes.get(c.SEARCH_OPERATION.name)
        self._last: tuple[object, str | None, Records] | None = None
        self._database: tuple[str, ...] | None = None
        if c.DB_SYSTEM_NAME.name in attributes:
            self._database = tuple(str(attributes.get(one.name)) for one in _NAMED)

    def at_end(self, seconds: float, ending: Ending, run: SpanRecorder) -> None:
        """Record the metrics of a run that has ended."""
        operation = run.baggage.operation if self._operation is None else str(self._operation)
        last = self._last  # most runs are for the same operation as the one before
        if last is not None and ending.error is None and last[0] is metrics_generation.current and last[1] == operation:
            duration, size, database = last[2]
        else:
            duration, size, database = self._find(operation, ending.error)
        span = run.span
        if duration is not None:
            duration(seconds, span)
        if size is not None and self._size is not None:
            size(self._size, span)
        if database is not None:
            database(seconds, span)

    def _find(self, operation: str | None, error: str | None) -> Records:
        generation = metrics_generation.current  # before the records are found: later ones are not its own
        key = (self._name, operation, error, self._size is None, self._database)
        records = _records.get(key)
        if records is None:
            records = _records.bind(key, self._wanted(operation, error))
        elif error is None:
            self._last = (generation, operation, records)
        return records

    def _wanted(self, operation: str | None, error: str | None) -> list[Wanted | None]:
        labels = {**self.attributes, c.SEARCH_STAGE.name: self._name}
        if operation is not None:
            labels[c.SEARCH_OPERATION.name] = operation
        if error is not None:
            labels[c.ERROR_TYPE.name] = error
        return [
            (c.STAGE_DURATION, labels),
            None if self._size is None else (c.BATCH_SIZE, labels),
            None if self._database is None else (c.DB_CLIENT_OPERATION_DURATION, labels),
        ]


_records: Final = BoundRecords()
_shared: dict[tuple[object, ...], _Prepared] = {}  # by name and attributes
