"""The shop over HTTP, without processes: what it serves, what it refuses, what it tells the page."""

import json
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from opentelemetry import baggage
from PIL import Image

from demo_flow.catalogue.shipped import read_pack, read_pictures
from demo_flow.encoders.base import BadPicture
from demo_flow.errors import CallerError, PamazonError, Refused
from demo_flow.incidents.active import ACTIVE
from demo_flow.proto.pamazon_pb2 import Document, Match
from demo_flow.serving.dispatch import Dispatcher
from demo_flow.serving.timing import timed, waiting_for
from demo_flow.shop import people
from demo_flow.shop.answers import found
from demo_flow.shop.app import STATIC, create_app
from demo_flow.shop.pictures import Pictures, media_type
from demo_flow.shop.queries import MAX_PICTURE
from demo_flow.shop.settings import Settings
from demo_flow.shop.way import Way
from tests.unit.shop_goods import SETTINGS, Goods


@pytest.fixture
def goods() -> Goods:
    return Goods()


@pytest.fixture
async def shop(goods: Goods) -> AsyncIterator[httpx.AsyncClient]:
    dispatcher = Dispatcher("gateway")
    dispatcher.ready(goods)
    transport = httpx.ASGITransport(create_app(dispatcher, SETTINGS, Pictures()))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8081") as client:
        yield client


async def test_a_search_answers_goods_and_what_each_step_took(shop: httpx.AsyncClient, goods: Goods) -> None:
    """A step that was not measured is not known, and nothing is made of it."""
    answer = (await shop.post("/api/search?limit=2&threshold=0.4", json={"text": "coat"})).json()
    first, odd = answer["results"]
    assert first == {
        "id": "coat-red", "name": "Red coat", "names": {"en": "Red coat", "de": "Mantel"}, "price_cents": 1999,
        "score": 0.75,
    }  # fmt: skip
    assert odd == {"id": "odd", "name": "odd", "names": {}, "price_cents": None, "score": 0.5}
    assert (answer["below_threshold"], answer["trace_id"]) == (3, None)  # nothing is recorded here
    took = answer["took"]
    assert took["total_ms"] >= took["encode_ms"] >= 2
    assert (took["search_ms"], took["link_ms"] < 2) == (None, True)
    ((document, parameters),) = goods.asked
    assert (document.text, parameters.limit, parameters.threshold) == ("coat", 2, 0.4)


async def test_a_search_by_picture_takes_its_bytes_or_the_picture_of_a_good(
    shop: httpx.AsyncClient, goods: Goods
) -> None:
    """What looks like a good is found by the picture that the shop has of it."""
    picture = read_pictures()["coat-red"]
    await shop.post("/api/search", content=b"bytes", headers={"Content-Type": "image/png"})
    await shop.post("/api/search", json={"like": "coat-red"})
    assert [document.image for document, _ in goods.asked] == [b"bytes", picture]
    assert goods.asked[0][1].HasField("threshold") is False


@pytest.mark.parametrize(
    ("sent", "status", "message"),
    [
        ({"json": {"text": "  "}}, 400, "The query is empty."),
        ({"json": {"text": 7}}, 400, "The query is empty."),
        ({"json": {}}, 400, "The query is empty."),
        ({"json": ["coat"]}, 400, "The request is not JSON."),
        ({"json": {"text": "x" * 1001}}, 400, "The text has 1,001 characters."),
        ({"json": {"like": "nothing"}}, 400, "The shop has no picture of that."),
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400, "The request is not JSON."),
        ({"content": b"[" * 60_000, "headers": {"Content-Type": "application/json"}}, 400, "The request is not JSON."),
        ({"content": b"x", "headers": {"Content-Type": "text/plain"}}, 415, "The file is of text/plain."),
        ({"content": b"x"}, 415, "The file is of an unknown type."),
        (
            {"content": b"x" * (MAX_PICTURE + 1), "headers": {"Content-Type": "image/png"}},
            413,
            "That is larger than 10 MB.",
        ),
        ({"json": {"text": "a"}, "params": {"limit": "many"}}, 400, "The limit is not a usable number."),
        ({"json": {"text": "a"}, "params": {"threshold": "nan"}}, 400, "The threshold is not a usable number."),
    ],
)
async def test_what_cannot_be_searched_for_is_refused_with_a_hint(
    shop: httpx.AsyncClient, goods: Goods, sent: dict[str, Any], status: int, message: str
) -> None:
    """Nothing of it reaches an executor."""
    answer = await shop.post("/api/search", **sent)
    body = answer.json()
    assert (answer.status_code, body["error"]["message"], bool(body["error"]["hint"])) == (status, message, True)
    assert (goods.asked, "took" in body) == ([], True)


def rpc_error(code: grpc.StatusCode, where: str) -> grpc.aio.AioRpcError:
    metadata = grpc.aio.Metadata()
    error = grpc.aio.AioRpcError(code, metadata, metadata, "connection refused", None)
    error.add_note(where)
    return error


@pytest.mark.parametrize(
    ("failure", "status", "code", "words"),
    [
        (CallerError("The limit is 0.", "Ask for 1."), 400, "INVALID_ARGUMENT", "The limit is 0.Ask for 1."),
        (Refused(grpc.StatusCode.NOT_FOUND, "There is no collection."), 404, "NOT_FOUND", "There is no collection."),
        (BadPicture("not a picture"), 400, "INVALID_ARGUMENT", "not a picture"),
        (rpc_error(grpc.StatusCode.UNAVAILABLE, "clip_encoder at x:1"), 503, "UNAVAILABLE", "clip_encoder at x:1: "),
        (rpc_error(grpc.StatusCode.UNAVAILABLE, "clip_encoder at x:1"), 503, "UNAVAILABLE", "pamazon up"),
        (TimeoutError(), 504, "DEADLINE_EXCEEDED", "took longer than 20 s"),
        (RuntimeError("the weights are gone"), 500, "INTERNAL", "RuntimeError: the weights are gone"),
    ],
)
async def test_a_failure_of_the_flow_is_answered_with_what_to_do(
    shop: httpx.AsyncClient, goods: Goods, failure: Exception, status: int, code: str, words: str
) -> None:
    """Its status of HTTP follows gRPC's; there is never a stack."""
    goods.fails = failure
    answer = await shop.post("/api/search", json={"text": "coat"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert words in error["message"] + error["hint"]
    assert "Traceback" not in answer.text


async def test_a_gateway_that_loads_says_so() -> None:
    transport = httpx.ASGITransport(create_app(Dispatcher("gateway"), SETTINGS, Pictures()))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.post("/api/search", json={"text": "coat"})
    assert (answer.status_code, answer.json()["error"]["message"]) == (503, "gateway is still loading.")


@pytest.mark.parametrize(
    "payload",
    ["{", "[]", "7", '{"names": 5, "name": 7}', '{"names": {"en": 5}, "price_cents": "many"}', '{"price_cents": true}'],
)
def test_a_payload_of_any_shape_is_shown_by_its_id(payload: str) -> None:
    """What an index holds is somebody else's."""
    (good,) = found(Document(matches=[Match(id="mine", score=0.5, payload=payload)]))["results"]
    assert good == {"id": "mine", "name": "mine", "names": {}, "price_cents": None, "score": 0.5}


def test_a_name_without_end_is_cut() -> None:
    names = {f"l{number}": "x" * 1000 for number in range(1000)}
    match = Match(id="mine", payload=json.dumps({"name": "y" * 1000, "names": names}))
    (good,) = found(Document(matches=[match]))["results"]
    assert (len(good["name"]), len(good["names"]), len(good["names"]["l0"])) == (200, 40, 200)


async def test_every_answer_has_the_policy_that_the_settings_make(shop: httpx.AsyncClient) -> None:
    """The page may call the desk and the collector of its settings, and run nothing but its own files."""
    for path in ("/", "/static/main.js", "/pictures/coat-red", "/api/shop", "/nowhere"):
        headers = (await shop.get(path)).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:" in policy
        assert "connect-src 'self' http://127.0.0.1:4319 http://127.0.0.1:4318;" in policy
        assert "unsafe" not in policy
        assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")


async def test_files_and_pictures_are_kept_by_browsers_and_asked_for_again(shop: httpx.AsyncClient) -> None:
    """A copy that is current is not sent again; a picture is not even asked for within an hour."""
    for path, kind, kept in (
        ("/", "text/html; charset=utf-8", "no-cache"),
        ("/static/vendor/opentelemetry.js", "text/javascript; charset=utf-8", "no-cache"),
        ("/static/icon.svg", "image/svg+xml; charset=utf-8", "no-cache"),
        ("/pictures/coat-red", "image/webp", "public, max-age=3600"),
    ):
        first = await shop.get(path)
        assert (first.status_code, first.headers["content-type"]) == (200, kind)
        assert first.headers["cache-control"] == kept
        again = await shop.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/nothing.js", "/pictures/nothing", "/pictures/..%2F..", "/x"]
)
async def test_what_is_not_there_is_a_short_answer(shop: httpx.AsyncClient, path: str) -> None:
    answer = await shop.get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")
    assert (await shop.get("/api/search")).status_code == 405


async def test_the_page_receives_who_may_ask_and_where_it_sends(shop: httpx.AsyncClient) -> None:
    received = (await shop.get("/api/shop")).json()
    assert {"name": "Alice", "platform": "ios", "region": "de", "language": "de"} in received["people"]
    assert {"name": "Bob", "platform": "linux", "region": "cl", "language": "es"} in received["people"]
    assert (received["traces"], received["otlp"]) == ("http://127.0.0.1:4319/traces/", "http://127.0.0.1:4318")
    assert (received["version"], received["picture"]["most_bytes"]) == ("1.2", MAX_PICTURE)


def test_people_and_examples_are_of_this_shop() -> None:
    """Everyone has a link, and every example a picture; most languages of the goods are among them."""
    received = people.described()
    links = {(one["platform"], one["region"]) for one in received["links"]}  # type: ignore[attr-defined]
    assert [one.name for one in people.PEOPLE if (one.platform, one.region) not in links] == []
    assert {one.platform for one in people.PEOPLE} <= set(received["platforms"])  # type: ignore[call-overload]
    pictures = read_pictures()
    assert [example.good for example in people.EXAMPLES if example.good not in pictures] == []
    languages = set(read_pack()[0].names)
    assert {one.language for one in (*people.PEOPLE, *people.EXAMPLES)} <= languages
    assert len({example.language for example in people.EXAMPLES}) >= 10


@pytest.mark.parametrize(
    "given", ["here", "ftp://x:1", "http://", "http://x y", "http://x;script-src *", "http://[", "http://x:99999"]
)
def test_an_invalid_address_is_refused(given: str) -> None:
    """What goes into the policy of the page is an address, and nothing beside it."""
    with pytest.raises(PamazonError, match="is not an address of HTTP"):
        Settings.of(traces=given, page_otlp="none")


def test_without_addresses_the_page_calls_nobody() -> None:
    assert Settings.of(traces="none", page_otlp="none").origins == ()


async def test_pictures_of_a_catalogue_of_ones_own_are_shown(tmp_path: Path) -> None:
    """Those of its folder, and none where it cannot be read: the shop sells all the same."""
    Image.new("RGB", (32, 32), "red").save(tmp_path / "red.png")
    row = {"id": "red", "name": "Red", "image": "red.png"}
    (tmp_path / "catalogue.jsonl").write_text(json.dumps(row))
    assert await Pictures(tmp_path).get("red") == ((tmp_path / "red.png").read_bytes(), "image/png")
    assert await Pictures(tmp_path).get("coat-red") is None
    assert await Pictures(tmp_path / "nowhere").get("red") is None


def test_a_picture_that_browsers_do_not_show_has_no_type() -> None:
    """It is not sent with a guess: a file of any kind could be behind it."""
    assert {media_type(item.image) for item in read_pack()} == {"image/webp"}
    assert [media_type(data) for data in (b"<html>", b"<svg>", b"II*\x00", b"")] == [None] * 4


async def test_the_way_is_that_of_who_asks_and_an_incident_adds_to_it() -> None:
    """Bob in Chile is 140 ms away; nobody else waits for an incident of his region."""
    from telemetry import request

    with request(platform="linux", region="cl"):
        bob = Way()
        await bob.there()
        await bob.back()
    assert 0.1 < bob.seconds < 0.5
    nobody = Way()
    ACTIVE.start("chile-slow-link", 60)
    try:
        await nobody.there()
        with request(platform="ios", region="cl"):
            assert baggage.get_baggage("client.region") == "cl"
            late = Way()
            await late.there()
    finally:
        ACTIVE.stop()
    assert nobody.seconds < 0.1
    assert late.seconds > 0.29


def test_waiting_adds_up_for_each_role_and_costs_nobody_else() -> None:
    with waiting_for("nobody times this"):
        pass
    with timed() as took:
        for _ in range(2):
            with waiting_for("a"):
                pass
        with pytest.raises(ValueError, match="late"), waiting_for("b"):
            raise ValueError("late")
    assert took.keys() == {"a", "b"}
    assert min(took.values()) >= 0


def modules() -> Sequence[Path]:
    return [
        path
        for path in sorted(STATIC.rglob("*"))
        if path.suffix in {".js", ".css", ".html"} and "vendor" not in path.parts
    ]


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.name)
def test_no_file_of_the_page_makes_html_of_text_or_styles_by_itself(path: Path) -> None:
    """Text is text; colours are in one file; nothing stands inline that the policy would stop."""
    text = path.read_text("utf-8")
    assert [
        word for word in ("innerHTML", "outerHTML", "insertAdjacent", "eval(", " style=", "onclick=") if word in text
    ] == []
    assert len(text.splitlines()) <= 400
    assert max(map(len, text.splitlines())) <= 120 or path.suffix == ".html"
    if path.suffix == ".css" and path.name != "tokens.css":
        assert re.findall(r"#[0-9a-f]{3,8}\b|rgb\(", text) == []
