"""Incidents: the state in a process, the service that passes them on, the cut from the collector, the commands."""

import asyncio
import errno
import json
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry import baggage
from opentelemetry import context as otel_context

from demo_flow.cli import main
from demo_flow.client import RequestFailed
from demo_flow.flow import ROLES
from demo_flow.incidents import active as active_module
from demo_flow.incidents import places
from demo_flow.incidents.active import ACTIVE, Active
from demo_flow.incidents.batching import Batcher, batch_size
from demo_flow.incidents.client import IncidentsClient, playing
from demo_flow.incidents.collector import cut_off
from demo_flow.incidents.service import IncidentsServicer
from demo_flow.incidents.table import INCIDENTS, MOST_SECONDS, Incident, named
from demo_flow.proto.pamazon_pb2_grpc import add_IncidentsServicer_to_server
from telemetry.batching import QueueFull

DOCS = Path(__file__).parents[2] / "docs"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def active(clock: Clock) -> Active:
    return Active(clock)


@pytest.fixture(autouse=True)
def _nothing_stays_active() -> Iterator[None]:
    yield
    ACTIVE.stop()


@contextmanager
def caller(**about: str) -> Iterator[None]:
    """A request of a caller with this platform or region."""
    context = otel_context.get_current()
    for key, value in about.items():
        context = baggage.set_baggage(f"client.{key}", value, context)
    token = otel_context.attach(context)
    yield
    otel_context.detach(token)


def test_an_incident_ends_by_itself_at_its_deadline(active: Active, clock: Clock) -> None:
    """By the monotonic clock, whether or not anything asked meanwhile."""
    active.start("tiny-batches", 30)
    assert active.seconds_left() == 30
    clock.now += 29.9
    assert active.at("batches") is INCIDENTS["tiny-batches"]
    clock.now += 0.1
    assert active.at("batches") is None
    assert active.seconds_left() == 0
    clock.now -= 10
    assert active.now() is None, "it does not come back"


def test_an_incident_acts_at_its_place_alone(active: Active) -> None:
    active.start("tiny-batches", 30)
    assert active.at("qdrant_search") is None
    active.stop()
    assert active.at("batches") is None


def test_an_incident_of_a_region_or_platform_concerns_no_other_caller(active: Active) -> None:
    """It is read from the baggage, which has no caller at all in a batch."""
    for name, place, concerned, other in (
        ("chile-slow-server", "qdrant_search", {"region": "cl"}, {"region": "us", "platform": "cl"}),
        ("platform-fails", "vector", {"platform": "ios"}, {"platform": "android"}),
    ):
        active.start(name, 30)
        assert active.at(place) is None
        with caller(**other):
            assert active.at(place) is None
        with caller(**concerned):
            assert active.at(place) is INCIDENTS[name]


def test_what_more_an_incident_does_ends_with_it(active: Active) -> None:
    """A block that is open while it lasts; the next one starts after it has closed."""
    seen = []

    @contextmanager
    def block(incident: Incident) -> Iterator[None]:
        seen.append(f"{incident.name} begins")
        yield
        seen.append(f"{incident.name} ends")

    active.extras["collector"] = block
    active.start("collector-away", 30)
    active.start("collector-away", 30)
    active.stop()
    active.stop()
    assert seen == ["collector-away begins", "collector-away ends"] * 2


async def test_places_do_nothing_without_an_incident(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio, "sleep", None)
    await places.delay("qdrant_search")
    assert list(places.vector_of([1.0, 2.0])) == [1.0, 2.0]
    assert batch_size(32) == 32


async def test_a_batcher_has_the_limits_of_the_incident() -> None:
    """Full batches before and after it, one item at a time during it."""
    sizes: list[int] = []

    async def double(items: list[int]) -> list[int]:
        sizes.append(len(items))
        return [2 * item for item in items]

    batcher = Batcher(double, max_size=4, max_wait=0.0, max_queue=100)
    assert await batcher([1, 2, 3]) == [2, 4, 6]
    ACTIVE.start("tiny-batches", 30)
    assert await batcher([1, 2, 3]) == [2, 4, 6]
    assert batch_size(32) == 1
    ACTIVE.stop()
    assert await batcher([1, 2]) == [2, 4]
    assert sizes == [3, 1, 1, 1, 2]
    await batcher.close()


async def test_a_saturated_queue_refuses_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two texts are in the batch that waits to start, eight in the queue."""

    async def same(items: list[int]) -> list[int]:
        return items

    batcher = Batcher(same, max_size=32, max_wait=0.0, max_queue=1000, at="texts")
    ACTIVE.start("queue-saturation", 30)
    calls = [asyncio.ensure_future(batcher([number])) for number in range(14)]
    done, waiting = await asyncio.wait(calls, timeout=0.1)
    refused = [call for call in done if isinstance(call.exception(), QueueFull)]
    assert 4 <= len(refused) <= 6
    assert len(waiting) == 14 - len(refused)
    for call in waiting:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)


def test_the_collector_is_out_of_reach_and_nothing_else_is() -> None:
    """Open connections end, new ones are refused, and all is as before afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as away, socket.create_server(("127.0.0.1", 0)) as other:
        host, port = away.getsockname()
        with socket.create_connection((host, port)) as before, socket.create_connection(other.getsockname()) as kept:
            with cut_off([f"http://localhost:{port}", f"127.0.0.1:{port}", "unix:/nowhere"]):
                assert before.recv(1) == b""
                kept.sendall(b"x")
                assert connect((host, port)) == errno.ECONNREFUSED
                assert connect(other.getsockname()) == 0
            assert connect((host, port)) == 0
    assert "connect_ex" not in vars(socket.socket)


def connect(where: Any) -> int:
    with socket.socket() as connecting:
        return connecting.connect_ex(where)


@asynccontextmanager
async def serving(executors: Mapping[str, Sequence[str]], active: Active) -> AsyncIterator[str]:
    """The service in this process; gives its address."""
    server = grpc.aio.server()
    add_IncidentsServicer_to_server(IncidentsServicer(lambda: executors, active), server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(None)


class Flow:
    """A gateway, an encoder and two indexers; the commands' client of the gateway, called in a thread."""

    def __init__(self, gateway: str, actives: Mapping[str, Active]) -> None:
        self.gateway = gateway
        self.actives = actives

    def names(self) -> dict[str, str]:
        """What is active, by process."""
        return {role: incident.name for role, active in self.actives.items() if (incident := active.now())}

    async def call(self, method: str, *arguments: Any) -> Any:
        def call() -> Any:
            with IncidentsClient(self.gateway) as client:
                return getattr(client, method)(*arguments)

        return await asyncio.to_thread(call)


@asynccontextmanager
async def flow(indexers: int = 2) -> AsyncIterator[Flow]:
    """Start the services of such a flow."""
    names = ["encoder", *(f"indexer {number}" for number in range(indexers))]
    actives = {name: Active() for name in ("gateway", *names)}
    async with serving({}, actives["encoder"]) as encoder, serving({}, actives["indexer 0"]) as first:
        second = serving({}, actives[names[-1]]) if indexers > 1 else None
        listed = [first] if second is None else [first, await second.__aenter__()]
        executors = {"clip_encoder": [encoder], "qdrant_indexer": listed}
        async with serving(executors, actives["gateway"]) as gateway:
            yield Flow(gateway, actives)
        if second is not None:
            await second.__aexit__(None, None, None)


async def test_the_gateway_passes_an_incident_to_the_processes_it_acts_in() -> None:
    """The slow replica is the second one; all indexers are slow for Chile; the collector is away for everybody."""
    async with flow() as running:
        for name, expected in (
            ("slow-replica", {"gateway", "indexer 1"}),
            ("chile-slow-server", {"gateway", "indexer 0", "indexer 1"}),
            ("encoder-throttled", {"gateway", "encoder"}),
            ("collector-away", {"gateway", "encoder", "indexer 0", "indexer 1"}),
        ):
            await running.call("start", name, 60.0)
            assert running.names() == dict.fromkeys(expected, name)
            assert set(await running.call("active")) == {name}
            assert set(await running.call("stop")) == {name}
            assert running.names() == {}


async def test_an_incident_that_needs_more_processes_names_the_option() -> None:
    async with flow(indexers=1) as running:
        with pytest.raises(RequestFailed) as refused:
            await running.call("start", "slow-replica", 60.0)
        assert refused.value.callers_mistake
        assert "needs a second qdrant_indexer" in refused.value.message
        assert "pamazon up --index-replicas 2" in refused.value.message
        assert running.names() == {}


async def test_a_second_incident_is_refused_and_the_same_one_starts_over() -> None:
    """The measurement of whoever started the first is not spoiled."""
    async with flow() as running:
        await running.call("start", "tiny-batches", 60.0)
        with pytest.raises(RequestFailed, match=r"tiny-batches is active for another \d+ s\. End it first"):
            await running.call("start", "encoder-throttled", 60.0)
        await running.call("start", "tiny-batches", 500.0)
        assert (await running.call("active"))["tiny-batches"] > 400


async def test_stop_reaches_executors_after_the_gateway_was_started_again() -> None:
    """The gateway asks them, whatever it knows itself; with nothing active it is harmless."""
    async with flow() as running:
        await running.call("start", "tiny-batches", 60.0)
        running.actives["gateway"].stop()
        assert set(await running.call("active")) == {"tiny-batches"}
        assert set(await running.call("stop")) == {"tiny-batches"}
        assert running.names() == {}
        assert await running.call("stop") == {}


async def test_an_executor_that_is_down_is_named_and_nothing_stays_active() -> None:
    nobody = "127.0.0.1:1"
    gateway = Active()
    async with serving({"clip_encoder": [nobody]}, gateway) as address:
        running = Flow(address, {"gateway": gateway})
        with pytest.raises(RequestFailed, match=f"tiny-batches cannot start at {nobody}"):
            await running.call("start", "tiny-batches", 60.0)
        assert await running.call("stop") == {}
        assert running.names() == {}


async def test_the_deadline_ends_it_without_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """A timer closes what is open, such as the cut from the collector."""
    ended = asyncio.Event()
    state = Active()

    @contextmanager
    def block(_: Incident) -> Iterator[None]:
        yield
        ended.set()

    state.extras["collector"] = block
    async with serving({}, state) as address:
        running = Flow(address, {"gateway": state})
        await running.call("start", "collector-away", 0.2)
        assert running.names() == {"gateway": "collector-away"}
        await asyncio.wait_for(ended.wait(), 5)
        assert running.names() == {}


@pytest.mark.parametrize(
    ("name", "seconds", "words"),
    [
        ("slow-repliac", 60.0, "There is no incident 'slow-repliac'. Did you mean slow-replica?"),
        ("tiny-batches", 601.0, "An incident lasts up to 600 seconds, not 601."),
        ("tiny-batches", 0.0, "An incident lasts up to 600 seconds, not 0."),
        ("tiny-batches", float("nan"), "not nan"),
    ],
)
async def test_a_wrong_start_is_refused(name: str, seconds: float, words: str) -> None:
    """Also of a client that checks nothing itself."""
    async with flow() as running:
        with pytest.raises(RequestFailed) as refused:
            await running.call("start", name, seconds)
        assert words in refused.value.message
        assert refused.value.callers_mistake


async def test_an_incident_ends_however_its_block_ends(capsys: pytest.CaptureFixture[str]) -> None:
    """With an exception; and if nobody answers any more, that is reported beside it."""
    async with flow() as running:

        def fail() -> None:
            with playing(running.gateway, "tiny-batches", 60.0):
                assert running.names()["encoder"] == "tiny-batches"
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await asyncio.to_thread(_raised_by, fail)
        assert running.names() == {}


def _raised_by(function: Any) -> None:
    """Raise in this thread what ends `function`; a future does not carry a KeyboardInterrupt."""
    try:
        function()
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt from error


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["start", "slow-repliac"], "There is no incident 'slow-repliac'.\nDid you mean slow-replica?"),
        (["start", "xyz"], "There is no incident 'xyz'.\nChoose from: slow-replica, tiny-batches"),
        (["start", "slow-replica", "--for", "601"], "an incident lasts 600 seconds at most, not 601"),
        (["start", "slow-replica", "--for", "soon"], "'soon' is not a number of 0.1 or more"),
        (["strat", "slow-replica"], "pamazon incident has no action 'strat'.\nDid you mean start?"),
        (["start"], "NAME"),
    ],
)
def test_a_mistake_of_the_command_is_reported(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 2, before anything is called."""
    assert main(["incident", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_list_shows_all_of_them_without_a_gateway(capsys: pytest.CaptureFixture[str]) -> None:
    """The list, then the error."""
    assert main(["incident", "list", "--json", "--gateway", "127.0.0.1:1"]) == 1
    output = capsys.readouterr()
    rows = json.loads(output.out)["incidents"]
    assert [row["name"] for row in rows] == list(INCIDENTS)
    assert {row["seconds_left"] for row in rows} == {None}
    assert "Open Pamazon first" in output.err


def test_every_incident_is_declared_whole() -> None:
    """A sentence, a signal, roles that exist, a time limit; and it is in the documentation with its sentence."""
    assert MOST_SECONDS == 600
    page = (DOCS / "incidents.md").read_text("utf-8")
    for name, incident in INCIDENTS.items():
        assert named(name) is incident
        assert incident.happens.endswith(".")
        assert set(incident.roles) <= set(ROLES)
        assert f"`{name}`" in page
        assert incident.happens in page, name


def test_no_incident_is_named_outside_of_its_room() -> None:
    """The code that emits signals does not know the names."""
    root = Path(active_module.__file__).parents[1]
    for path in root.rglob("*.py"):
        if path.parent.name != "incidents":
            source = path.read_text("utf-8")
            assert [name for name in INCIDENTS if name in source] == [], path
