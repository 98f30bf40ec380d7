"""Broken variants for the defects of other libraries (see `tests.defects.mutants`)."""

from typing import Final

from tests.defects.mutant import Mutant

_METRICS: Final = "contract/test_rpc_metrics.py::"
_CONFIGURE: Final = "contract/test_configure.py::"
_SHAPES: Final = "unit/test_stage_shapes.py::"
_PEERS: Final = "defects/test_peer_defects.py::"
_ENDINGS: Final = "contract/test_rpc_endings.py::"

PEERS: Final = (
    Mutant(
        "telemetry/recording/runs/recorder.py",
        "        if token is not None:\n            detach(token, self._resumed)\n",
        "",
        _SHAPES + "TestGenerators::test_the_context_is_never_visible_to_the_consumer",
    ),
    Mutant(
        "telemetry/recording/runs/recorder.py",
        "        if token is not None:\n            detach(token, self._resumed)\n",
        "",
        _SHAPES + "TestAsyncGenerators::test_the_context_is_never_visible_to_the_consumer",
    ),
    Mutant(
        "telemetry/recording/runs/callables.py",
        "functools.partial(generator.send, (yield item))",
        "functools.partial(generator.send, (yield item) and None)",
        _SHAPES + "TestGenerators::test_send_throw_and_the_return_value_are_delegated",
    ),
    Mutant(
        "telemetry/recording/runs/callables.py",
        "functools.partial(generator.asend, (yield item))",
        "functools.partial(generator.asend, (yield item) and None)",
        _SHAPES + "TestAsyncGenerators::test_asend_athrow_and_aclose_are_delegated",
    ),
    Mutant(
        "telemetry/recording/runs/callables.py",
        "        return _async_generator(fn, begin)\n",
        "        return _plain(fn, begin, unchanged)\n",
        _SHAPES + "TestAsyncGenerators::test_a_failing_async_generator_fails_its_span",
    ),
    Mutant(
        "telemetry/context/threads.py",
        "_run, otel_context.get_current(), fn, *args,",
        "_run, Context(), fn, *args,",
        "unit/test_context.py::TestThreadPool::test_each_task_belongs_to_whoever_submitted_it",
    ),
    Mutant(
        "telemetry/setup/handle.py",
        "            pipeline.renew()\n",
        "            pass\n",
        "contract/test_forks.py::test_a_forked_child_exports_its_own",
    ),
    Mutant(
        "telemetry/context/processes.py",
        "carry_in(self._context(), self._fn)(",
        "self._fn(",
        "contract/test_context_processes.py::test_the_workers_of_a_pool_are_in_the_requests_trace",
    ),
    Mutant(
        "telemetry/api/documents.py",
        "    if kind not in _BUILT_IN and not _is_cheap(kind):\n"
        "        return None\n    try:\n        return len(value)",
        "    try:\n        return len(list(value))",
        _PEERS + "test_a_wrapped_upload_of_a_generator_stored_no_points",
    ),
    Mutant(
        "telemetry/recording/runs/callables.py",
        "        return _coroutine(fn, begin, follow)\n",
        "        return _plain(fn, begin, unchanged)\n",
        _PEERS + "test_async_calls_had_no_span_or_a_wrong_duration",
    ),
    Mutant(
        "telemetry/api/results.py",
        'if scores is None or isinstance(scores, str | bytes) or not hasattr(scores, "__len__"):',
        "if scores is None:",
        _PEERS + "test_results_read_the_callers_iterator",
    ),
    Mutant(
        "telemetry/recording/attributes.py",
        "        return item if isinstance(item, _PLAIN_TYPES) else None\n    return None\n",
        "        return item if isinstance(item, _PLAIN_TYPES) else None\n    return str(value)\n",
        _PEERS + "test_a_whole_query_became_an_attribute_though_content_was_off",
    ),
    Mutant(
        "telemetry/recording/current.py",
        "        token.var.reset(token)\n",
        "        otel_context.detach(token)\n",
        _PEERS + "TestFailedToDetachContext",
    ),
    Mutant(
        "telemetry/__init__.py",
        "from telemetry.setup.configure import configure\n",
        "import grpc  # noqa: F401\n\nfrom telemetry.setup.configure import configure\n",
        _PEERS + "test_importing_it_loaded_exporters_and_grpc",
    ),
    Mutant(
        "telemetry/pipeline/stats.py",
        "            self._dropped[reason] += count\n",
        "            pass\n",
        "unit/test_queue.py::test_a_full_queue_drops_and_counts_and_never_waits",
    ),
    Mutant(
        "telemetry/setup/handle.py",
        "self._end(self.settings.exit_timeout, patient=False)",
        "self._end(600.0, patient=True)",
        _CONFIGURE + "TestTheEnd::test_a_hanging_collector_does_not_hang_the_exit",
    ),
    Mutant(
        "telemetry/setup/configure.py",
        "@atexit.register\n",
        "",
        _CONFIGURE + "TestExport::test_traces_and_metrics_leave_by_themselves",
    ),
    Mutant(
        "telemetry/rpc/calls/call.py",
        "                record(lasted / 1e9, span)\n",
        "                pass\n",
        _METRICS + "test_durations_are_exact_whatever_is_sampled",
    ),
    Mutant(
        "telemetry/recording/request/bounds.py",
        "if taken < (attribute.limit or 1):",
        "if taken >= 0:",
        "unit/test_measurements.py::TestBounds::test_too_many_values_become_other_and_are_counted",
    ),
    Mutant(
        "telemetry/testing/recording.py",
        "    _Process.ids.reset()\n",
        "",
        "unit/test_testing.py::test_each_test_begins_with_nothing",
    ),
    Mutant(
        "telemetry/rpc/aio/client.py",
        "            outgoing.add_done_callback(partial(_end, call))\n",
        "            pass\n",
        _ENDINGS + "TestTasks::test_a_call_that_is_cancelled",
    ),
    Mutant(
        "telemetry/setup/configure.py",
        "    if settings.disabled:\n",
        "    if not settings:\n",
        "contract/test_configure_once.py::TestOff::test_nothing_happens",
    ),
)
