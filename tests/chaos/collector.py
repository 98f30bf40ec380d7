"""The local collector under chaos: a real one in a process of its own, on one store and one port, that is ill-treated.

In: what is to happen to it. Out: exports taken, refused, or not answered. State: the processes, ended by `end`.
"""

import json
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

from collector.local.store.store import Store

_COLLECTOR = """
import json, sys
from pathlib import Path
from collector.local.server import LocalCollector
with LocalCollector(Path(sys.argv[1]), sys.argv[2], None, None) as collector:
    print(json.dumps(collector.addresses.grpc), flush=True)
    sys.stdin.read()
"""

_STORED = """
SELECT count(*), count(*) - count(DISTINCT (trace_id, span_id)),
  count(*) FILTER (resource_id IN (SELECT resource_id FROM spans WHERE name = 'doomed'))
FROM spans
"""


class Collector:
    """A collector that can be killed, stalled, and replaced by one that refuses everything."""

    def __init__(self, store: Path) -> None:
        self.store = store
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        self._process: subprocess.Popen[str] | None = None
        self._refusing: grpc.Server | None = None

    def start(self) -> None:
        """Run it, on the store as it is."""
        command = [sys.executable, "-c", _COLLECTOR, str(self.store), self.address]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert json.loads(self._process.stdout.readline()) == self.address

    def kill(self) -> None:
        """Kill -9."""
        assert self._process is not None
        self._process.kill()
        self._let_go(self._process)
        self._process = None

    def stall(self) -> None:
        """Let it take connections and bytes, and do nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Undo `stall`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def refuse(self, code: grpc.StatusCode) -> None:
        """Answer every export with `code` until `go_on_taking`; the collector must have been killed."""
        self._refusing = grpc.server(ThreadPoolExecutor(4), handlers=[_Refusing(code)])
        self._refusing.add_insecure_port(self.address)
        self._refusing.start()

    def refuse_no_more(self) -> None:
        """Undo `refuse`."""
        assert self._refusing is not None
        self._refusing.stop(None).wait()
        self._refusing = None

    def end(self) -> None:
        """End it in its own time, whatever state it is in."""
        if self._refusing is not None:
            self.refuse_no_more()
        if self._process is not None:
            self.go_on()
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._let_go(self._process)
            self._process = None

    @staticmethod
    def _let_go(process: "subprocess.Popen[str]") -> None:
        process.wait(60)
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()

    def stored(self) -> tuple[int, int, int]:
        """Return the spans in the store, how many of them are there twice, and those of children that were killed."""
        store = Store.open(self.store, read_only=True)
        try:
            rows = store.reader().execute(_STORED).fetchall()
            return int(rows[0][0]), int(rows[0][1]), int(rows[0][2])
        finally:
            store.close()


class _Refusing(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic only in the stubs
    def __init__(self, code: grpc.StatusCode) -> None:
        self._code = code

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        def export(body: bytes, context: grpc.ServicerContext) -> bytes:
            context.abort(self._code, "chaos")

        return grpc.unary_unary_rpc_method_handler(export)
