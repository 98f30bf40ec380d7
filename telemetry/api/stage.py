"""`stage`: traces and times a named piece of work inside a request."""

from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import Link
from opentelemetry.util.types import AttributeValue

from telemetry import conventions as c
from telemetry.api.derived import add_gen_ai, describe_request
from telemetry.errors import TelemetryError
from telemetry.recording import providers
from telemetry.recording.attributes import clean
from telemetry.recording.block import Block, F, check_decorated
from telemetry.recording.bounds import bounds
from telemetry.recording.callables import wrap
from telemetry.recording.exceptions import Ending
from telemetry.recording.guard import guard
from telemetry.recording.inside import is_framework_object, trace_inside
from telemetry.recording.instruments import observe
from telemetry.recording.recorder import NO_ACTIVITY, Activity, Run

_NAMED = (c.DB_SYSTEM_NAME, c.DB_COLLECTION_NAME, c.DB_OPERATION_NAME)
"""Attributes of a decorated stage that are also attributes of its metrics."""


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

    __slots__ = ("_attributes", "_links", "_name")

    def __init__(
        self,
        name: str,
        attributes: Mapping[str, object] | None = None,
        /,
        *,
        links: Sequence[Link] = (),
        **more: object,
    ) -> None:
        super().__init__()
        if not isinstance(name, str):
            raise TelemetryError(f"stage needs a name, not {type(name).__name__}", 'write @telemetry.stage("encode")')
        self._name = name
        self._attributes = {**attributes, **more} if attributes else more
        self._links = links

    def __call__(self, fn: F) -> F:
        """Return a wrapper of `fn`; each call is a run of this stage."""

        def begin(_args: tuple[Any, ...], _kwargs: Mapping[str, Any]) -> Run:
            return self._begin()

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
        wrapped: F = wrap(fn, begin)
        return wrapped

    def _begin(self) -> Run:
        if providers.recording():
            with guard:
                attributes = clean(self._attributes)
                add_gen_ai(self._name, attributes)
                describe_request(attributes)
                return Activity(self._name, attributes, _Metrics(self._name, attributes), self._links)
        return NO_ACTIVITY


class _Metrics:
    """Records the metrics of a finished stage."""

    __slots__ = ("_attributes", "_name")

    def __init__(self, name: str, attributes: Mapping[str, AttributeValue]) -> None:
        self._name = name
        self._attributes = attributes

    def __call__(self, seconds: float, ending: Ending, context: Context) -> None:
        labels = {**self._attributes, c.SEARCH_STAGE.name: self._name}
        if ending.error is not None:
            labels[c.ERROR_TYPE.name] = ending.error
        observe(c.STAGE_DURATION, seconds, labels, context)
        size = self._attributes.get(c.LEN_DOCS.name)
        if size is None:
            size = self._attributes.get(c.MINIBATCH_SIZE.name)
        if isinstance(size, int):
            observe(c.BATCH_SIZE, size, labels, context)
        if c.DB_SYSTEM_NAME.name in self._attributes:
            observe(c.DB_CLIENT_OPERATION_DURATION, seconds, labels, context)
