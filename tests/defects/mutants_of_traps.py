"""Broken variants for the traps of the runtime (see `tests.defects.mutants`)."""

from typing import Final

from tests.defects.mutant import Mutant

_METRICS: Final = "contract/test_rpc_metrics.py::"
_TRAPS: Final = "defects/test_runtime_traps.py::"
_RPC_CONTEXT: Final = "contract/test_rpc_context.py::"
_ENDINGS: Final = "contract/test_rpc_endings.py::"

TRAPS: Final = (
    Mutant(
        "telemetry/pipeline/queue.py",
        "            return done and self._nothing_lost()\n",
        "            return True\n",
        _TRAPS + "test_a_flush_blocked_for_ten_seconds_and_returned_true",
    ),
    Mutant(
        "telemetry/pipeline/queue.py",
        '            self._counts.drop("deadline", lost)\n',
        "",
        _TRAPS + "test_twenty_thousand_spans_were_unaccounted_for",
    ),
    Mutant(
        "telemetry/recording/providers.py",
        "            current.tracer = provider.get_tracer(SCOPE)\n",
        "            pass\n",
        "contract/test_configure_once.py::TestOnce::test_a_provider_without_configure_is_enough",
    ),
    Mutant(
        "telemetry/setup/assembly.py",
        "    detach_exports = attach_beside_root(exports)\n",
        "    from opentelemetry.sdk._logs import LoggingHandler\n\n"
        "    exports = [LoggingHandler(logger_provider=logger_provider)]\n"
        "    detach_exports = attach_beside_root(exports)\n",
        _TRAPS + "test_a_log_handler_that_is_deprecated_warned_at_every_start",
    ),
    Mutant(
        "telemetry/recording/request/scope.py",
        "        return next((outcome for other, outcome in tuple(self._seen) if other is exc), None)\n",
        "        return None\n",
        _METRICS + "test_the_exception_event_is_recorded_once_in_a_process",
    ),
    Mutant(
        "telemetry/recording/request/scope.py",
        '            self.__dict__.pop("_seen", None)\n',
        "            pass\n",
        _TRAPS + "test_an_exception_that_cannot_be_weakly_referenced_was_reported_twice_or_kept",
    ),
    Mutant(
        "telemetry/rpc/threads/client.py",
        "                found = abandoned.peek()\n",
        "                found = outgoing and abandoned.peek()\n",
        _ENDINGS + "TestThreads::test_a_stream_left_early",
    ),
    Mutant(
        "telemetry/recording/runs/outcome.py",
        '"UNKNOWN", "DEADLINE_EXCEEDED",',
        '"UNKNOWN",',
        "contract/test_rpc_trees.py::test_a_deadline_ends_both_spans",
    ),
    Mutant(
        "telemetry/rpc/calls/outgoing.py",
        "        detach(token)\n",
        "        pass\n",
        _RPC_CONTEXT + "TestWhereASpanIsCurrent::test_the_loop_over_responses_is_outside",
    ),
    Mutant(
        "telemetry/rpc/aio/client.py",
        "[UnaryUnary(outgoing), UnaryStream(outgoing), StreamUnary(outgoing), StreamStream(outgoing)]",
        "[UnaryUnary(outgoing)]",
        "contract/test_rpc_trees.py::test_a_call_that_succeeds_is_one_client_and_one_server_span",
    ),
    Mutant(
        "telemetry/recording/metrics/meter_provider.py",
        "        self.own.renew()\n",
        "        pass\n",
        "contract/test_forks.py::test_a_forked_child_exports_its_own",
    ),
    Mutant(
        "telemetry/otlp/grpc.py",
        "import base64\n",
        "import base64\n\nimport grpc  # noqa: F401\n",
        "unit/test_grpc_sender.py::test_an_exporter_by_grpc_imports_no_grpc",
    ),
    Mutant(
        "telemetry/otlp/connection.py",
        "            self._socket.close()\n\n    def _connect_by_name",
        "            _shut_down(self._socket)\n            self._socket.close()\n\n    def _connect_by_name",
        "unit/test_grpc_sender_connections.py::test_a_forked_child_sends_nothing_on_its_parents_connection",
    ),
    Mutant(
        "telemetry/otlp/connection.py",
        "send(self._outgoing, _NO_SIGNAL)",
        "send(self._outgoing)",
        "unit/test_grpc_sender_connections.py::test_a_host_that_lets_sigpipe_end_it_lives_on",
    ),
    Mutant(
        "telemetry/otlp/http2.py",
        "                if frame[3] == _GOAWAY:\n",
        "                if frame[3] < 0:\n",
        "unit/test_grpc_sender_connections.py::TestNewConnections::test_a_goodbye_lets_what_was_begun_be_finished",
    ),
    Mutant(
        "telemetry/setup/forking.py",
        "        register(telemetry, _finalize)\n",
        "",
        "contract/test_forks.py::test_the_workers_of_a_pool_export_their_own",
    ),
    Mutant(
        "telemetry/setup/configure.py",
        "            _warn_of_namesake()\n",
        "",
        "contract/test_configure_once.py::TestMistakes::test_the_namesake_on_pypi_is_noticed",
    ),
    Mutant(
        "telemetry/pipeline/delivery.py",
        "        for sender in tuple(self._senders):\n            sender.close()\n",
        "",
        "contract/test_dev_mode.py::test_a_service_in_dev_mode_leaves_nothing_behind",
    ),
)
