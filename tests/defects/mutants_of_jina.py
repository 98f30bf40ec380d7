"""Broken variants for the defects of the system that our users come from (see `tests.defects.mutants`)."""

from typing import Final

from tests.defects.mutant import Mutant

_METRICS: Final = "contract/test_rpc_metrics.py::"
_CONFIGURE: Final = "contract/test_configure.py::"
_BATCHING: Final = "contract/test_batching_traces.py::TestThreads::"
_JINA: Final = "defects/test_jina_defects.py::"
_RPC_CONTEXT: Final = "contract/test_rpc_context.py::"

JINA: Final = (
    Mutant(
        "telemetry/rpc/calls/call.py",
        "{**context, _SPAN_KEY: span, ",
        "{**context, ",
        _METRICS + "test_an_endpoint_is_the_child_of_its_server_span",
    ),
    Mutant(
        "telemetry/rpc/calls/metadata.py",
        "    textmap.inject(carrier, context)\n",
        "    from opentelemetry.trace.propagation import tracecontext\n"
        "    tracecontext.TraceContextTextMapPropagator().inject(carrier, context)\n",
        _RPC_CONTEXT + "TestPropagation::test_any_propagator",
    ),
    Mutant(
        "telemetry/rpc/calls/w3c.py",
        '    return (*pairs, ("baggage", baggage)) if baggage else pairs\n',
        "    return pairs\n",
        _RPC_CONTEXT + "TestPropagation::test_baggage_arrives",
    ),
    Mutant(
        "telemetry/rpc/calls/call.py",
        "                self._record_failure(error, outcome.code, ending)\n",
        "                pass\n",
        "contract/test_rpc_trees.py::test_an_exception_in_the_handler_is_an_error_on_both_sides",
    ),
    Mutant(
        "telemetry/batching/batch.py",
        "for span in callers.values() if",
        "for span in list(callers.values())[:1] if",
        _BATCHING + "test_every_request_is_linked_with_its_batch_and_keeps_its_tree",
    ),
    Mutant(
        "telemetry/recording/runs/callables.py",
        "        return _generator(fn, begin)\n",
        "        return _plain(fn, begin, unchanged)\n",
        _JINA + "test_a_generator_endpoints_span_ended_when_the_generator_was_made",
    ),
    Mutant(
        "telemetry/recording/runs/callables.py",
        "        return _coroutine(fn, begin, follow)\n",
        "        return _plain(fn, begin, unchanged)\n",
        _JINA + "test_a_monitor_on_async_def_timed_the_making_of_the_coroutine",
    ),
    Mutant(
        "telemetry/batching/batch.py",
        "        start = clock.steady()\n",
        "        start = 0\n",
        _BATCHING + "test_waiting_is_not_work",
    ),
    Mutant(
        "telemetry/setup/configure.py",
        "@atexit.register\n",
        "@__import__('threading')._register_atexit\n",
        _JINA + "test_providers_were_shut_down_before_pending_requests_had_ended",
    ),
    Mutant(
        "telemetry/setup/configure.py",
        "        if _Process.telemetry is None:\n            _warn_of_namesake()\n",
        "        if True:\n            _warn_of_namesake()\n",
        _JINA + "test_every_gateway_of_a_process_made_providers_and_exporters_of_its_own",
    ),
    Mutant(
        "telemetry/rpc/calls/metadata.py",
        "if pair[0] not in ours)",
        ")",
        "unit/test_rpc_metadata.py::test_headers_replace_pairs_of_their_own_name_only",
    ),
    Mutant(
        "telemetry/recording/metrics/aggregation.py",
        "self.bounds: Final = metric.buckets",
        "self.bounds: Final = metric.buckets and (0.0, 5.0, 10.0, 25.0, 50.0)",
        _CONFIGURE + "TestExport::test_buckets_are_the_declared_ones",
    ),
    Mutant(
        "telemetry/batching/waiting.py",
        "            self.length -= stop - call.taken\n",
        "",
        _BATCHING + "test_the_queue_length_falls_whatever_happens",
    ),
    Mutant(
        "telemetry/config/settings.py",
        '    base = endpoint or f"http://localhost:{port}"\n',
        '    base = f"{endpoint or None}:None"\n',
        _JINA + "test_an_unset_exporter_host_became_none_and_hid_the_standard_variables",
    ),
    Mutant(
        "telemetry/rpc/calls/names.py",
        '    "/grpc.health.",\n',
        "",
        _RPC_CONTEXT + "TestWhatIsLeftOut::test_health_checks",
    ),
    Mutant(
        "telemetry/setup/resource.py",
        "        c.SERVICE_VERSION.name: settings.version,\n",
        "",
        _CONFIGURE + "TestExport::test_the_resource_names_the_service",
    ),
    Mutant(
        "telemetry/recording/metrics/aggregation.py",
        "            if span.flags & 1:",
        "            if not span.flags & 1:",
        _CONFIGURE + "TestExport::test_exemplars_lead_from_a_metric_to_its_trace",
    ),
    Mutant(
        "telemetry/setup/assembly.py",
        "sampler=_sampler(settings),",
        "sampler=sampling.ALWAYS_ON,",
        _CONFIGURE + "TestExport::test_metrics_are_exact_while_no_trace_is_kept",
    ),
    Mutant(
        "tests/unit/test_stage.py",
        'assert spans.tree() == "work\\n└ work\\nwork"',
        "assert len(spans) == 3",
        _JINA + "test_tests_counted_spans_and_never_looked_at_the_tree",
    ),
    Mutant(
        "telemetry/api/endpoint.py",
        "labels if ending.error is None else {**labels, c.ERROR_TYPE.name: ending.error}",
        "labels",
        _JINA + "test_failed_requests_were_timed_as_successes",
    ),
)
