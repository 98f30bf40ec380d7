"""Restarts telemetry in forked children, and shuts it down when a process of `multiprocessing` exits.

A forked child does not use, flush or shut down anything inherited: inherited connections and metrics are the parent's,
and an inherited lock may be held by a thread that the child does not have. The SDK's own hook, which runs before ours,
sets a new `service.instance.id`.

Locks and threads made before gevent patches `threading` do not work with greenlets. A server like gunicorn forks first,
and gevent patches later; so if gevent is loaded and has not patched yet, the child starts no threads, and renews
everything again after the patch.
"""

import functools
import importlib
import sys
from functools import partial
from typing import Any
from weakref import WeakSet

from telemetry.recording.fork import Rank, in_child, weakly
from telemetry.recording.guard import guard
from telemetry.recording.metrics.meter_provider import MeterProvider
from telemetry.setup.handle import Telemetry

_registered: "WeakSet[Telemetry]" = WeakSet()  # with `multiprocessing`, here or in the parent


def watch_forks(telemetry: Telemetry, meter_provider: MeterProvider | None) -> None:
    """Restart `telemetry` in forked children, and shut it down when a process of `multiprocessing` exits.

    Arguments: `meter_provider`, if it is ours.
    """
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        _finalize(telemetry)
    _finalize_processes(telemetry)
    _finalize_billiard(telemetry)
    in_child(Rank.PIPELINES, weakly(partial(_restart_in_child, meter_provider), telemetry))


def _restart_in_child(meter_provider: MeterProvider | None, telemetry: Telemetry) -> None:
    _renew(telemetry, meter_provider)
    _finalize_processes(telemetry)
    _finalize_billiard(telemetry)
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


def _renew(telemetry: Telemetry, meter_provider: MeterProvider | None) -> None:
    telemetry.renew()
    if meter_provider is not None:
        meter_provider.renew()


def _finalize_processes(telemetry: Telemetry) -> None:
    """Shut down at the exit of forked processes of `multiprocessing`, if it is used.

    In a child this comes before its own hooks for children, which it runs when `os.fork` has returned.
    """
    register = getattr(sys.modules.get("multiprocessing.util"), "register_after_fork", None)
    if register is not None and telemetry not in _registered:
        _registered.add(telemetry)
        register(telemetry, _finalize)


def _finalize(telemetry: Telemetry) -> None:
    """Shut down at the exit of a process of `multiprocessing`, which does not run `atexit` hooks."""
    from multiprocessing.util import Finalize

    Finalize(telemetry, _at_exit, args=(telemetry,), exitpriority=10)


def _finalize_billiard(telemetry: Telemetry) -> None:
    """Shut down at the exit of a worker of a billiard pool, such as Celery's: it calls `os._exit`.

    The method is private. If a later version has another name for it, Celery's signal remains, which is not always
    sent.
    """
    worker = getattr(sys.modules.get("billiard.pool"), "Worker", None)
    do_exit = getattr(worker, "_do_exit", None)
    if worker is not None and do_exit is not None and not hasattr(do_exit, "__wrapped__"):

        @functools.wraps(do_exit)
        def exit_after_export(self: Any, *args: Any, **kwargs: Any) -> Any:
            _at_exit(telemetry)
            return do_exit(self, *args, **kwargs)

        worker._do_exit = exit_after_export  # noqa: SLF001  it has no public API
    signals = sys.modules.get("celery.signals")
    if signals is not None:
        signals.worker_process_shutdown.connect(
            lambda **_: _at_exit(telemetry), weak=False, dispatch_uid="search-telemetry"
        )


def _at_exit(telemetry: Telemetry) -> None:
    with guard:
        telemetry.exit()
