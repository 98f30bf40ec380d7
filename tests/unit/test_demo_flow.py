"""The flow file, the files that are generated and those that must stay readable, options, traffic, indexing."""

import argparse
import ast
import asyncio
import json
import random
import re
from collections.abc import Sequence
from pathlib import Path
from string import Formatter

import numpy as np
import pytest

from demo_flow import flow, traffic
from demo_flow.catalogue.item import Item
from demo_flow.cli import main
from demo_flow.commands.options import address, at_least, between, label
from demo_flow.encoders import space_of
from demo_flow.errors import PamazonError
from demo_flow.flow import CLIP_ENCODER, GATEWAY, QDRANT_INDEXER, ROLES, ROUTES
from demo_flow.indexing import document, index_items
from demo_flow.proto import generate
from demo_flow.proto.pamazon_pb2 import IndexRequest, IndexResponse, Match
from demo_flow.showing import price, result

ROOT = Path(flow.__file__).parent


def test_the_generated_code_is_current(tmp_path: Path) -> None:
    """What is committed is what the .proto gives."""
    generate.generate(tmp_path)
    for name in generate.GENERATED:
        made = (tmp_path / "demo_flow" / "proto" / name).read_text()
        assert made == (ROOT / "proto" / name).read_text(), f"{name} is stale: run make proto"


def test_the_flow_reads_as_designed() -> None:
    """Encoder, then indexer; what is deleted needs no vector. Addresses are those that the guide names."""
    both = (CLIP_ENCODER, QDRANT_INDEXER)
    assert {"/search": both, "/index": both, "/delete": (QDRANT_INDEXER,)} == ROUTES
    assert [role.address.rpartition(":")[2] for role in ROLES.values()] == ["8080", "8090", "8100"]


@pytest.mark.parametrize("name", ["clip_encoder", "qdrant_indexer", "gateway"])
def test_an_executor_is_one_screen_with_nothing_but_decorators_and_with_blocks(name: str) -> None:
    """At most 120 lines; `telemetry` is used to decorate, in `with`, and to report numbers, and in no other way."""
    source = (ROOT / "executors" / f"{name}.py").read_text()
    assert len(source.splitlines()) <= 120
    tree = ast.parse(source)
    allowed: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            allowed |= {d.func if isinstance(d, ast.Call) else d for d in node.decorator_list}
        if isinstance(node, ast.With):
            allowed |= {item.context_expr.func for item in node.items if isinstance(item.context_expr, ast.Call)}
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            allowed.add(node.value.func)
    used = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "telemetry"
    ]
    assert used
    assert [ast.unparse(node) for node in used if node not in allowed] == []


@pytest.mark.parametrize("text", ["8080", "localhost", "localhost:http", ":8080", "host:99999"])
def test_a_wrong_address_is_refused(text: str) -> None:
    """The message shows how an address is written."""
    with pytest.raises(argparse.ArgumentTypeError, match="write HOST:PORT"):
        address(text)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "many"])
def test_numbers_out_of_range_are_reported(text: str) -> None:
    """Nothing that would make a load generator spin or sleep for ever gets through."""
    with pytest.raises(argparse.ArgumentTypeError, match=r"0\.01 or more"):
        at_least(0.01)(text)


@pytest.mark.parametrize("text", ["0", "-1", "100", "1.5", "many", "9" * 5000])
def test_a_whole_number_out_of_range_is_refused(text: str) -> None:
    """The message names both ends."""
    with pytest.raises(argparse.ArgumentTypeError, match="is not a whole number from 1 to 99"):
        between(1, 99)(text)


@pytest.mark.parametrize("text", ["1.01", "-0.1", "nan", "inf", "1e-3", ".", "many"])
def test_a_score_out_of_range_is_refused(text: str) -> None:
    """Nothing but a number in range gets through."""
    with pytest.raises(argparse.ArgumentTypeError, match=r"is not a number from 0\.0 to 1\.0"):
        between(0.0, 1.0)(text)
    assert [between(0.0, 1.0)(good) for good in ("0", "1", "0.31", ".5")] == [0.0, 1.0, 0.31, 0.5]


@pytest.mark.parametrize("text", ["", "v 2", "-2", "ü", "x" * 65])
def test_a_label_that_would_make_no_good_value_of_metrics_is_refused(text: str) -> None:
    """The message has what is allowed."""
    with pytest.raises(argparse.ArgumentTypeError, match="is not a version; use at most 64"):
        label(text)
    assert label("2.0-rc1+b_7") == "2.0-rc1+b_7"


def test_the_help_of_every_command_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    """Each command explains itself."""
    for command in ("up", "serve", "index", "search", "load"):
        with pytest.raises(SystemExit) as done:
            main([command, "--help"])
        assert done.value.code == 0
    assert "--follow-parent" not in capsys.readouterr().out


class Fixed:
    """An encoder whose vectors are one vector."""

    def __init__(self, name: str, vector: Sequence[float]) -> None:
        self.name = name
        self._vector = np.asarray([vector], dtype=np.float32)

    def prepare_texts(self, texts: Sequence[str]) -> None:
        assert len(texts) == 1

    def encode_texts(self, batch: None) -> np.ndarray:
        return self._vector


def space(name: str, vector: Sequence[float]) -> str:
    return space_of(Fixed(name, vector))  # type: ignore[arg-type]


def test_models_do_not_share_an_index() -> None:
    """Vectors of different weights never meet; any model's name makes a folder's name."""
    rising, falling = range(24), range(24, 0, -1)
    assert space("tiny", rising) != space("tiny", falling)
    assert space("tiny", rising) == space("tiny", [n + 0.001 for n in rising])
    assert re.fullmatch("ViT-B-32-openai-[0-9a-f]{8}", space("ViT-B-32::openai", rising))


def test_what_a_role_is_filled_with_is_there_when_it_starts() -> None:
    """The flow file names data and facts of roles that start earlier, and nothing else."""
    earlier = {"data", "store"}
    for role in sorted(ROLES.values(), key=lambda role: role is GATEWAY):
        formats = [argument.filled for argument in role.arguments.values() if argument.filled]
        named = {field.partition("[")[0] for form in formats for _, field, _, _ in Formatter().parse(form) if field}
        assert named <= earlier
        earlier.add(role.name)


def test_a_report_gives_percentiles_throughput_and_errors() -> None:
    """Latencies of what succeeded, counts of what did not; what was not sent is not counted as sent."""
    report = traffic.Report(duration=2.0, latencies=[n / 1000 for n in range(1, 101)])
    random.Random(1).shuffle(report.latencies)
    report.errors.update({"UNAVAILABLE": 2, "NOT_SENT": 3})
    report.groups["web", "de"] = traffic.Group([0.002, 0.001, 0.003], failed=2)
    assert report.as_json() == {
        "sent": 102,
        "succeeded": 100,
        "errors": {"UNAVAILABLE": 2, "NOT_SENT": 3},
        "duration_s": 2.0,
        "throughput": 50.0,
        "latency": {"p50_ms": 51.0, "p90_ms": 91.0, "p95_ms": 96.0, "p99_ms": 100.0},
        "groups": [
            {
                "platform": "web",
                "region": "de",
                "succeeded": 3,
                "failed": 2,
                "latency": {"p50_ms": 2.0, "p90_ms": 3.0, "p95_ms": 3.0, "p99_ms": 3.0},
            },
        ],
        "index": {"succeeded": 0, "errors": {}},
    }


def test_a_report_of_nothing_divides_by_nothing() -> None:
    """Without an answer there are no percentiles."""
    assert traffic.Report().as_json()["latency"] == {"p50_ms": None, "p90_ms": None, "p95_ms": None, "p99_ms": None}


def test_traffic_against_nobody_is_reported(unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that is not there is a mistake of the caller's, not a hundred failed searches."""
    monkeypatch.setattr(traffic, "_CONNECTING", 0.1)
    with pytest.raises(PamazonError, match="No gateway answers"):
        asyncio.run(traffic.run(f"127.0.0.1:{unused_tcp_port}", rate=1, duration=1))


class Recorder:
    """A gateway that keeps what it is sent."""

    def __init__(self) -> None:
        self.requests: list[IndexRequest] = []

    def index(self, request: IndexRequest, timeout: float) -> tuple[IndexResponse, str]:
        self.requests.append(request)
        return IndexResponse(indexed=len(request.documents)), f"trace-{len(self.requests)}"


def _item(number: int, size: int = 10) -> Item:
    return Item(f"item-{number}", "item", None, "things", {"en": f"Item {number}"}, {}, 1999, b"x" * size)


def test_a_catalogue_goes_in_batches_and_the_graph_is_built_with_the_last() -> None:
    """Each item once, in order; progress after each batch."""
    gateway, progress = Recorder(), list[int]()
    trace_id = index_items(gateway, [_item(n) for n in range(5)], batch=2, on_progress=progress.append)  # type: ignore[arg-type]
    assert [[d.id for d in r.documents] for r in gateway.requests] == [
        ["item-0", "item-1"], ["item-2", "item-3"], ["item-4"],
    ]  # fmt: skip
    assert [r.optimize for r in gateway.requests] == [False, False, True]
    assert (progress, trace_id) == ([2, 2, 1], "trace-3")


def test_large_pictures_make_smaller_batches() -> None:
    """No batch is larger than a message can be."""
    gateway = Recorder()
    index_items(gateway, [_item(n, size=20 * 1024 * 1024) for n in range(3)])  # type: ignore[arg-type]
    assert [len(r.documents) for r in gateway.requests] == [1, 1, 1]


def test_a_document_carries_what_the_shop_shows() -> None:
    """The picture is what is encoded; name and price come back with a hit."""
    made = document(_item(7))
    assert (made.id, made.text, made.image) == ("item-7", "", b"x" * 10)
    found = result(Match(id=made.id, score=0.5, payload=made.payload))
    assert found == {"id": "item-7", "name": "Item 7", "score": 0.5, "category": "things", "price_cents": 1999}
    assert json.loads(made.payload)["names"] == {"en": "Item 7"}


def test_a_price_is_written_for_people() -> None:
    """Hundredths, with separators; nothing where there is no price."""
    assert [price(1999), price(1234500), price(None)] == ["€19.99", "€12,345.00", ""]
