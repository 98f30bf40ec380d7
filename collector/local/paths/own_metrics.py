"""The collector's own metrics, stored as if a service of its own had sent them.

In: values. Out: points in the store, written between two commits. Each start of the collector is a process of its own,
whose metrics begin at 0.
"""

import logging
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import closing, suppress
from typing import Any

import duckdb
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk.resources import Resource

from collector.analysis.seen import NS
from collector.analysis.waiting import OLDEST_S
from collector.local.decode.metrics import decode_metrics
from collector.local.store.store import Store
from telemetry import conventions as c
from telemetry.config.version import own_version
from telemetry.otlp.writing.metrics import encode_metrics_data
from telemetry.recording.metrics import own_metrics

_RECENT = "SELECT trace_id FROM traces WHERE last_ingested_unix_ns > ? ORDER BY last_ingested_unix_ns DESC"
_log = logging.getLogger(__name__)


class OwnMetrics:
    """The metrics, and how they get into the store.

    Args:
        store: takes the points.
        do: has work done between two commits, by the thread that writes.
    """

    def __init__(self, store: Store, do: Callable[[Callable[[], Any]], Future[Any]]) -> None:
        self.values = own_metrics.OwnMetrics("trace_based")
        self._reader = self.values.reader()
        self._store = store
        self._do = do
        self._resource = Resource(
            {
                c.SERVICE_NAME.name: c.CRITICAL_PATH_SERVICE,
                c.SERVICE_VERSION.name: own_version(),
                c.SERVICE_INSTANCE_ID.name: str(uuid.uuid4()),
            }
        )

    def recent_traces(self) -> Sequence[str]:
        """The traces of which spans are stored that may not be the last ones; none if the store cannot be read."""
        since = time.time_ns() - int(OLDEST_S * NS)
        with suppress(duckdb.Error), closing(self._store.reader()) as cursor:
            return [row[0] for row in cursor.execute(_RECENT, [since]).fetchall()]
        return ()

    def report(self) -> None:
        """Have the points of now stored. If the store does not work now, the next ones say all that these do."""
        data = self._reader.added_to(None, self._resource)
        if data is None:
            return
        decoded = decode_metrics(ExportMetricsServiceRequest.FromString(encode_metrics_data(data)))
        digest = uuid.uuid4().hex
        done = self._do(lambda: self._store.write([decoded], [digest], time.time_ns()))
        done.add_done_callback(_report)


def _report(done: Future[Any]) -> None:
    if error := done.exception():
        _log.debug("The collector's own metrics could not be stored: %s", error)  # the writer reports the problem
