"""Several instances of an executor behind the gateway: who gets which request, and what happens if one is away."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import grpc
import pytest

from demo_flow import indexing
from demo_flow.commands import up
from demo_flow.errors import PamazonError
from demo_flow.flow import CLIP_ENCODER, GATEWAY, QDRANT_INDEXER, Role
from demo_flow.proto.pamazon_pb2 import Document, Parameters, ProcessRequest, ProcessResponse
from demo_flow.serving.instances import Instances
from demo_flow.starting import Pamazon, Plan


class Log:
    """What each instance was asked; those in `away` answer with that status."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, str]] = []
        self.away: dict[int, grpc.StatusCode] = {}

    @property
    def numbers(self) -> Sequence[int]:
        return [number for number, _ in self.asked]


def instances(log: Log, role: Role, count: int, split: int = 0) -> Instances:
    """Return instances of a role, 0 and up, that answer with their own number."""
    made = Instances(role, ",".join(f"127.0.0.1:{9000 + number}" for number in range(count)), split)
    for number, client in enumerate(made.clients):

        async def process(request: ProcessRequest, number: int = number) -> ProcessResponse:
            log.asked.append((number, request.endpoint))
            if number in log.away:
                raise grpc.aio.AioRpcError(log.away[number], grpc.aio.Metadata(), grpc.aio.Metadata(), "refused", "")
            return ProcessResponse(docs=[Document(id=str(number))])

        client._stub.Process = process
    return made


async def ask(made: Instances, *endpoints: str) -> None:
    for endpoint in endpoints:
        await made.process(endpoint, [], Parameters())
    await made.close()


async def test_writes_go_to_every_replica_and_reads_to_one_in_turn() -> None:
    """No replica is asked twice in a row, and none lacks what was written."""
    log = Log()
    await ask(instances(log, QDRANT_INDEXER, 2), "/index", "/search", "/search", "/delete", "/search")
    assert sorted(log.asked[:2]) == [(0, "/index"), (1, "/index")]
    assert log.asked[2:4] == [(0, "/search"), (1, "/search")]
    assert sorted(log.asked[4:6]) == [(0, "/delete"), (1, "/delete")]
    assert log.asked[6:] == [(0, "/search")]


async def test_a_read_passes_over_a_replica_that_is_away() -> None:
    """It succeeds while one replica lives; if none does, the error is that of the last one asked."""
    log = Log()
    made = instances(log, QDRANT_INDEXER, 2)
    log.away = {0: grpc.StatusCode.UNAVAILABLE}
    assert [doc.id for doc in await made.process("/search", [], Parameters())] == ["1"]
    assert log.numbers == [0, 1]
    log.away[1] = grpc.StatusCode.UNAVAILABLE
    with pytest.raises(grpc.aio.AioRpcError):
        await made.process("/search", [], Parameters())
    await made.close()


async def test_a_read_that_fails_is_not_tried_elsewhere() -> None:
    """What went wrong there goes wrong here, too, and its cause is not to be hidden."""
    log = Log()
    made = instances(log, QDRANT_INDEXER, 2)
    log.away = {0: grpc.StatusCode.INTERNAL}
    with pytest.raises(grpc.aio.AioRpcError):
        await made.process("/search", [], Parameters())
    assert log.numbers == [0]
    await made.close()


async def test_a_write_fails_if_a_replica_is_away_and_the_error_names_it() -> None:
    """The others have been asked all the same."""
    log = Log()
    made = instances(log, QDRANT_INDEXER, 2)
    log.away = {1: grpc.StatusCode.UNAVAILABLE}
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await made.process("/index", [], Parameters())
    assert failed.value.__notes__ == ["qdrant_indexer at 127.0.0.1:9001"]
    assert sorted(log.numbers) == [0, 1]
    await made.close()


@pytest.mark.parametrize("split", [1, 30, 50, 99])
async def test_a_split_is_exact_over_every_hundred_searches(split: int) -> None:
    """Also where the hundred begins in the middle; what is indexed in between goes to the first and does not count."""
    log = Log()
    made = instances(log, CLIP_ENCODER, 2, split)
    await ask(made, *["/search", "/index"] * 250)
    searches = [number for number, endpoint in log.asked if endpoint == "/search"]
    assert all(Counter(searches[start : start + 100])[1] == split for start in range(150))
    assert {number for number, endpoint in log.asked if endpoint == "/index"} == {0}


async def test_what_the_last_one_does_not_get_is_shared_in_turn() -> None:
    """Three encoders, a fifth of the searches for the last."""
    log = Log()
    await ask(instances(log, CLIP_ENCODER, 3, 20), *["/search"] * 10)
    assert log.numbers == [0, 1, 0, 1, 2, 0, 1, 0, 1, 2]


@pytest.mark.parametrize(
    ("addresses", "split", "words"),
    [
        ("127.0.0.1:1", 50, "A split needs two instances of clip_encoder, and 127.0.0.1:1 is one."),
        ("127.0.0.1:1,", 0, "The addresses of clip_encoder: '' is not an address."),
        ("encoder", 0, "'encoder' is not an address. Write HOST:PORT"),
        ("127.0.0.1:1, 127.0.0.1:1", 0, "an address is there twice"),
    ],
)
def test_wrong_addresses_are_reported(addresses: str, split: int, words: str) -> None:
    """What is wrong, of which role, and how it is written."""
    with pytest.raises(PamazonError, match=words):
        Instances(CLIP_ENCODER, addresses, split)


def test_a_plan_names_its_instances(tmp_path: Path) -> None:
    """A version labels every process; where the searches are split, only the encoder that is added."""

    def named(plan: Plan) -> list[tuple[str, str | None]]:
        return [(one.name, one.version) for role in (CLIP_ENCODER, QDRANT_INDEXER) for one in plan.instances(role)]

    plan = Plan(tmp_path, replicas={"qdrant_indexer": 2}, version="2")
    assert named(plan) == [("clip_encoder", "2"), ("qdrant_indexer", "2"), ("qdrant_indexer-2", "2")]
    split = Plan(tmp_path, version="2", arguments={GATEWAY.name: {"split": 50}})
    assert named(split) == [("clip_encoder", None), ("clip_encoder-2", "2"), ("qdrant_indexer", None)]


@pytest.mark.parametrize(
    ("points", "lacks"), [((0,), True), ((3, 3), False), ((3, 1), True), ((0, 3), True), ((2, 1), False), ((9,), False)]
)
def test_our_goods_are_indexed_if_an_indexer_lacks_some_of_them(
    points: Sequence[int], lacks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three are in the catalogue. What an index has of a catalogue of the user's own is left alone."""
    monkeypatch.setattr(indexing, "read_catalogue", lambda *_: ["a", "b", "c"])
    facts = {f"indexer-{n}": {"role": QDRANT_INDEXER.name, "points": count} for n, count in enumerate(points)}
    assert up.lacks_goods(Pamazon(facts)) is lacks


def test_a_further_instance_listens_at_the_next_port() -> None:
    """Unless any free port will do."""
    first, second = Plan(Path(), replicas={"qdrant_indexer": 2}).instances(QDRANT_INDEXER)
    assert (first.address("127.0.0.1:8100"), second.address("127.0.0.1:8100")) == ("127.0.0.1:8100", "127.0.0.1:8101")
    assert second.address("127.0.0.1:0") == "127.0.0.1:0"
