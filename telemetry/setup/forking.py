"""Keeps telemetry right across forks, and at the end of the processes of `multiprocessing`.

In: forks and ends. Out: in a child, pipelines made anew; at such an end, a shutdown. State: none but the hooks.

In a forked child nothing inherited is used, flushed or shut down: inherited connections and sums are the parent's, and
an inherited lock may be held by a thread that is not there. `service.instance.id` is made anew by the SDK's own hook,
which runs before ours.

Locks and threads of before gevent replaces `threading` know of no greenlets. A server like gunicorn forks first and
lets gevent replace things then; so where gevent is loaded and has not done so yet, a child starts no thread of its own
accord, and makes everything anew once more when gevent has.
"""

import functools
import importlib
import multiprocessing.util
import sys
from functools import partial
from multiprocessing import parent_process
from typing import Any

from telemetry.recording.fork import Rank, in_child, weakly
from telemetry.recording.guard import guard
from telemetry.setup.handle import Telemetry


def watch_forks(telemetry: Telemetry, meter_provider: Any) -> None:
    """Follow `telemetry` into forked children, and shut it down when a process of `multiprocessing` ends."""
    if parent_process() is not None:
        _finalize(telemetry)
    multiprocessing.util.register_after_fork(telemetry, _finalize)
    _end_with_billiard(telemetry)
    in_child(Rank.PIPELINES, weakly(partial(_begin_in_child, meter_provider), telemetry))


def _begin_in_child(meter_provider: Any, telemetry: Telemetry) -> None:
    _renew(telemetry, meter_provider)
    _end_with_billiard(telemetry)
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or monkey.is_module_patched("threading"):
        _start(telemetry)
        return

    def on_event(event: object) -> None:
        if type(event).__name__ == "GeventDidPatchAllEvent":
            with guard:
                _renew(telemetry, meter_provider)
                _start(telemetry)

    importlib.import_module("gevent.events").subscribers.append(on_event)


def _start(telemetry: Telemetry) -> None:
    for pipeline in telemetry.pipelines.values():
        pipeline.start()


def _renew(telemetry: Telemetry, meter_provider: Any) -> None:
    telemetry.forked()
    for pipeline in telemetry.pipelines.values():
        pipeline.renew()
    if telemetry.pull is not None:
        telemetry.pull.renew()
    if "metrics" in telemetry.pipelines or telemetry.pull is not None:
        _renew_instruments(meter_provider)


def _renew_instruments(meter_provider: Any) -> None:
    """Empty all instruments of a provider of ours, the user's own among them, without touching a lock.

    Every instrument records through the provider's one measurement consumer; made anew in its place, it holds no
    storage and no lock of the parent's. Its callbacks stay.
    """
    consumer = meter_provider._measurement_consumer  # noqa: SLF001  the SDK has no public way
    callbacks = consumer._async_instruments  # noqa: SLF001
    consumer.__init__(sdk_config=meter_provider._sdk_config, metric_readers=meter_provider._metric_readers)  # noqa: SLF001
    consumer._async_instruments = callbacks  # noqa: SLF001


def _finalize(telemetry: Telemetry) -> None:
    """Shut down with a process of `multiprocessing`, which ends without the `atexit` hooks."""
    multiprocessing.util.Finalize(telemetry, _at_exit, args=(telemetry,), exitpriority=10)


def _end_with_billiard(telemetry: Telemetry) -> None:
    """Shut down with a worker of a pool of billiard's, Celery's among them: it leaves by `os._exit`.

    The method is not public; where it is called otherwise one day, Celery's signal is left, which has no promise to be
    sent.
    """
    worker = getattr(sys.modules.get("billiard.pool"), "Worker", None)
    leave = getattr(worker, "_do_exit", None)
    if worker is not None and leave is not None and not hasattr(leave, "__wrapped__"):

        @functools.wraps(leave)
        def leave_after_export(self: Any, *args: Any, **kwargs: Any) -> Any:
            _at_exit(telemetry)
            return leave(self, *args, **kwargs)

        worker._do_exit = leave_after_export  # noqa: SLF001  there is no public way
    signals = sys.modules.get("celery.signals")
    if signals is not None:
        signals.worker_process_shutdown.connect(
            lambda **_: _at_exit(telemetry), weak=False, dispatch_uid="search-telemetry"
        )


def _at_exit(telemetry: Telemetry) -> None:
    with guard:
        telemetry.exit()
