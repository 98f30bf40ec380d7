"""What a call costs inside a live gRPC handler: microseconds of CPU of the handler's thread.

A client in another process calls a server that has the library's interceptor and one thread. Every other handler makes
the measured call; a handler's cost is what its thread spends until the next one begins, so whatever the call leaves
cold counts too.
"""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from statistics import fmean
from time import thread_time

import grpc

from benchmarks.engine.measures import begin, check, library
from benchmarks.engine.measures.echo import service
from benchmarks.engine.peers import Call

KEPT = 0.98
"""Share of the handlers whose mean counts: a collection of garbage by chance in one of two hundred would decide."""


class Handlers:
    """What the handlers spent so far."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.spent: tuple[list[float], list[float]] = ([], [])  # without the call, with it
        self._before = 0.0
        self._last = -1

    def handle(self, request: bytes, _: grpc.ServicerContext) -> bytes:
        """Handle an rpc."""
        now = thread_time()
        if self._last >= 0:
            self.spent[self._last].append(now - self._before)
        self._before, self._last = now, 1 - max(self._last, 0)
        if self._last:
            self.call.run()
        else:
            self.call.bare()
        return request

    def cost(self) -> float:
        """Return what the call costs, in seconds."""
        without, with_it = (fmean(sorted(one)[: max(1, int(len(one) * KEPT))]) for one in self.spent)
        return with_it - without


def measure(peer: str, name: str, alone: str = "", *, calls: int, addresses: tuple[str, ...]) -> dict[str, float]:
    """Measure the call of that name; `alone`: on a server without interceptors, whose handler finds it colder."""
    started = begin(peer, addresses)
    handlers = Handlers(started.calls[name])
    interceptors = [] if alone else library(peer).server_interceptors()
    with ThreadPoolExecutor(1) as pool:
        server = grpc.server(pool, service(handlers.handle), interceptors=interceptors)
        target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        echo = (sys.executable, "-m", "benchmarks.engine.measures.echo", target)
        subprocess.run([*echo, str(calls // 10)], check=True)  # warms up
        handlers.spent = ([], [])
        subprocess.run([*echo, str(calls)], check=True)
        server.stop(None).wait()
    started.flush()
    check(started)
    return {"cpu": handlers.cost() * 1e6}
