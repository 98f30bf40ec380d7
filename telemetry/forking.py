"""Keeps telemetry right across forks, and at the end of the processes of `multiprocessing`.

In: forks and ends. Out: in a child, pipelines made anew; at such an end, a shutdown. State: none but the hooks.

In a forked child nothing inherited is used, flushed or shut down: inherited connections and sums are the parent's, and
an inherited lock may be held by a thread that is not there. `service.instance.id` is made anew by the SDK's own hook,
which runs before ours.
"""

import multiprocessing.util
import os
import weakref
from multiprocessing import parent_process
from typing import Any

from telemetry.guard import guard
from telemetry.running import Telemetry


def watch_forks(telemetry: Telemetry, meter_provider: Any) -> None:
    """Follow `telemetry` into forked children, and shut it down when a process of `multiprocessing` ends."""
    if parent_process() is not None:
        _finalize(telemetry)
    multiprocessing.util.register_after_fork(telemetry, _finalize)
    if not hasattr(os, "register_at_fork"):
        return
    weak = weakref.ref(telemetry)

    def in_child() -> None:
        alive = weak()
        if alive is not None:
            with guard:
                _renew(alive, meter_provider)

    os.register_at_fork(after_in_child=in_child)


def _renew(telemetry: Telemetry, meter_provider: Any) -> None:
    telemetry.forked()
    for pipeline in telemetry.pipelines.values():
        pipeline.renew()
    if telemetry.pull is not None:
        telemetry.pull.renew()
    if "metrics" in telemetry.pipelines or telemetry.pull is not None:
        _renew_instruments(meter_provider)
    for pipeline in telemetry.pipelines.values():
        pipeline.start()


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


def _at_exit(telemetry: Telemetry) -> None:
    with guard:
        telemetry.exit()
