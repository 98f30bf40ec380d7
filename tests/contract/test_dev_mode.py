"""A whole service under `python -X dev -W error`: no warning, no thread, no socket is left of us."""

import pytest

from tests.otlp_stand_in import StandIn
from tests.unit.own_process import python

SERVICE = """
import asyncio, concurrent.futures, gc, threading, warnings
import grpc, grpc.aio, psutil
from telemetry import context, rpc
assert sys.flags.dev_mode
logging.getLogger().addHandler(logging.NullHandler())  # what is logged here is exported, and not a word too many

before = set(threading.enumerate())
handle = telemetry.configure("x", logs="otlp")

@telemetry.stage("plain")
def plain():
    logging.getLogger("x").warning("hello")

@telemetry.stage("generator")
def generator():
    yield 1
    yield 2

@telemetry.stage("async generator")
async def async_generator():
    yield 1
    yield 2

@telemetry.endpoint("/search")
async def search(docs):
    plain()
    next(generator())  # dropped unfinished
    async for _ in async_generator():
        break
    task = asyncio.create_task(asyncio.sleep(60))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    with context.ThreadPoolExecutor(2) as pool:
        await asyncio.get_running_loop().run_in_executor(pool, plain)

def handler(request, servicer):
    with telemetry.stage("handler"):
        return request

class Echo(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(handler)

def threads():
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2), [Echo()], interceptors=rpc.server_interceptors())
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as plain_channel:
        channel = grpc.intercept_channel(plain_channel, *rpc.client_interceptors())
        assert channel.unary_unary("/test.Echo/Echo")(b"hello") == b"hello"
    server.stop(None).wait()

async def tasks():
    server = grpc.aio.server(interceptors=rpc.aio_server_interceptors())
    server.add_generic_rpc_handlers([Echo()])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", interceptors=rpc.aio_client_interceptors()) as channel:
        assert await channel.unary_unary("/test.Echo/Echo")(b"hello") == b"hello"
    await server.stop(None)
    await search([1])

threads()
asyncio.run(tasks())
gc.collect()
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # the one filter: from 3.12 on, of a fork with threads
    child = os.fork() if sys.argv[2] == "http/protobuf" else 0  # gRPC's own servers must not be forked
if sys.argv[2] == "http/protobuf" and not child:
    plain()
    os._exit(0 if handle.shutdown() else 1)
if child:
    assert os.waitpid(child, 0)[1] == 0
assert handle.shutdown()
show([handle.stats.recorded == handle.stats.exported, handle.stats.recorded])
gc.collect()
"""

AFTERWARDS = """
import time
collector = int(sys.argv[1].rpartition(":")[2])
def left():
    ours = [thread.name for thread in threading.enumerate() if thread.name.startswith("search-telemetry")]
    connections = [one for one in psutil.Process().net_connections("tcp") if one.raddr and one.raddr.port == collector]
    return [ours, [one.status for one in connections if one.status == "ESTABLISHED"]]
until = time.monotonic() + 10
while left() != [[], []] and time.monotonic() < until:
    time.sleep(0.01)  # gRPC closes its channel in threads of its own
show(left())
"""


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_service_in_dev_mode_leaves_nothing_behind(collector: StandIn, protocol: str) -> None:
    """Every feature once, then a shutdown: everything exported, not a word on standard error, nothing left open."""
    address = collector.grpc if protocol == "grpc" else collector.http
    ended = python(
        SERVICE + AFTERWARDS,
        address,
        protocol,
        OTEL_EXPORTER_OTLP_ENDPOINT=address,
        OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
        PYTHONDEVMODE="1",
    )
    assert (ended.status, ended.err) == (0, "")
    assert ended.shown == [[True, 11], [[], []]]
