"""The commands of `pamazon` against the running shop: what they print, what they exit with."""

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from PIL import Image

from demo_flow.demo import free_address
from demo_flow.processes import Processes
from tests.pamazon_fixtures import ANYWHERE, Shop, pamazon_command
from tests.waiting import until


def test_a_search_prints_results_and_its_trace(shop: Shop) -> None:
    """A table with names, prices and scores, then the tree of this very search."""
    done = shop.pamazon("search", "guitarra", "--limit", "3", "--api", shop.api)
    assert (done.returncode, done.stderr) == (0, "")
    table, _, tree = done.stdout.partition("/pamazon.Gateway/Search")
    assert re.search(r"name +price +score", table)
    assert len(re.findall(r"^\d +\S.* €\d[\d,]*\.\d\d  \d\.\d{3}$", table, re.MULTILINE)) == 3
    for service in ("pamazon", "gateway", "clip_encoder", "qdrant_indexer"):
        assert f" {service} " in tree


def test_json_is_results_and_trace_id_and_nothing_else(shop: Shop) -> None:
    """Programs read this: ids, English names, scores, best first."""
    done = shop.pamazon("search", "--json", "Winterjacke", "--limit", "4")
    answer = json.loads(done.stdout)
    assert set(answer) == {"results", "trace_id"}
    assert re.fullmatch("[0-9a-f]{32}", answer["trace_id"])
    scores = [found["score"] for found in answer["results"]]
    assert len(scores) == 4
    assert scores == sorted(scores, reverse=True)
    assert all(set(found) == {"id", "name", "score", "category", "price_cents"} for found in answer["results"])


def empty_searches(shop: Shop) -> float:
    """Return how many searches found nothing so far."""
    series = shop.ask("/api/metrics/search.results.empty").get("series", [])
    return sum(float(one["points"][-1]["value"]) for one in series)


def test_nonsense_finds_nothing_and_is_counted(shop: Shop) -> None:
    """What scores below the model's threshold is not a result; the message says how to see it all the same."""
    before = empty_searches(shop)
    done = shop.pamazon("search", "qzxv wkjq 7193", "--api", shop.api)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Nothing found: no goods are near enough. Show the nearest all the same: pamazon ")
    found = json.loads(shop.pamazon("search", "--json", "qzxv wkjq 7193").stdout)
    (searched,) = shop.trace(found["trace_id"]).named("qdrant_search")
    assert (found["results"], searched["attributes"]["search.hits"]) == ([], 0)
    every = json.loads(shop.pamazon("search", "--json", "qzxv wkjq 7193", "--threshold", "0").stdout)["results"]
    assert len(every) == 10
    assert all(one["score"] < searched["attributes"]["search.threshold"] for one in every)
    few = json.loads(shop.pamazon("search", "--json", "Winterjacke", "--threshold", "0.999").stdout)["results"]
    assert few == []
    until(lambda: empty_searches(shop) >= before + 3, 15, pause=0.2)


def test_a_search_by_picture_finds_the_thing_itself(shop: Shop, tmp_path: Path) -> None:
    """A picture of the catalogue finds its own item first."""
    from demo_flow.catalogue.catalogue import load

    item = load()[100]
    (tmp_path / "picture").write_bytes(item.image)
    done = shop.pamazon("search", "--json", "--image", str(tmp_path / "picture"), "--exact")
    best = json.loads(done.stdout)["results"][0]
    assert best["id"] == item.id
    assert best["score"] == pytest.approx(1.0, abs=1e-3)


@pytest.fixture(scope="module")
def no_picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "none.png"
    path.write_bytes(b"not a picture")
    return path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["search", ""], "The query is empty."),
        (["search", "   "], "The query is empty."),
        (["search"], "A search takes either a text or a picture."),
        (["search", "coat", "--image", "NO_PICTURE"], "A search takes either a text or a picture."),
        (["search", "coat", "--limit", "0"], "The limit is 0. Ask for 1 to 100 results."),
        (["search", "coat", "--limit", "101"], "The limit is 101."),
        (["search", "coat", "--limit", "-1"], "The limit is -1."),
        (["search", "coat", "--limit", "99999999999"], "Ask for 1 to 100 results."),
        (["search", "coat", "--limit", "ten"], "invalid int value: 'ten'"),
        (["search", "coat", "--threshold", "1.5"], "'1.5' is not a number from 0.0 to 1.0"),
        (["search", "coat", "--platform", "linx"], "Did you mean linux?"),
        (["search", "coat", "--region", "chile"], "'chile'"),
        (["search", "coat", "--limt", "3"], "pamazon search has no option --limt.\nDid you mean --limit?"),
        (["serach", "coat"], "pamazon has no command 'serach'.\nDid you mean search?"),
        (["serve", "gatewy"], "pamazon serve has no role 'gatewy'.\nDid you mean gateway?"),
        (["search", "coat", "--collection", "nowhere"], "There is no collection 'nowhere'. There is 'goods'."),
        (["search", "--image", "NO_PICTURE"], "picture"),
        (["search", "--image", "/nowhere.png"], "The picture /nowhere.png cannot be read: No such file or directory."),
        (["search", "coat", "--timeout", "0"], "'0' is not a number of 0.001 or more"),
        (["index", "--catalogue", "/nowhere"], "/nowhere"),
        (["index", "--batch", "0"], "'0' is not a number of 1 or more"),
        (["load", "--rate", "0"], "'0' is not a number of 0.01 or more"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_reported_in_a_line_or_two(shop: Shop, no_picture: Path, arguments: list[str], words: str) -> None:
    """Exit status 2, what is wrong and what to do on standard error, no stack trace, nothing on standard output."""
    done = shop.pamazon(*(str(no_picture) if argument == "NO_PICTURE" else argument for argument in arguments))
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_gateway_there_is_a_hint(shop: Shop) -> None:
    """Nobody listens there: the hint names what to start."""
    done = shop.pamazon("search", "coat", gateway=(nobody := free_address()))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"No gateway answers at {nobody}.\nOpen Pamazon first: pamazon up\n"


@pytest.fixture(params=["clip_encoder", "qdrant_indexer"])
def without(shop: Shop, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str, str]]:
    """A gateway for which one executor is down: its address, and who is down where."""
    addresses = {"clip_encoder": shop.clip_encoder, "qdrant_indexer": shop.qdrant_indexer}
    addresses[request.param] = free_address()
    where = [f"--{name.replace('_', '-')}={address}" for name, address in addresses.items()]
    with Processes(tmp_path / "logs") as processes:
        command = pamazon_command("serve", "gateway", "--listen", ANYWHERE, "--follow-parent", *where)
        gateway = processes.ready(processes.start_role("gateway", command))["address"]
        yield gateway, request.param, addresses[request.param]


def test_an_executor_that_is_down_is_named_and_the_trace_is_shown(shop: Shop, without: tuple[str, str, str]) -> None:
    """Exit status 1: who is down and where it should be, then the trace of the failed search."""
    gateway, down, address = without
    done = shop.pamazon("search", "coat", "--api", shop.api, gateway=gateway)
    assert done.returncode == 1
    assert f"UNAVAILABLE: {down} at {address}: " in done.stderr
    assert "Traceback" not in done.stderr
    assert "/pamazon.Gateway/Search" in done.stdout


def test_a_search_that_takes_too_long_shows_its_trace(shop: Shop) -> None:
    """No answer came that could name the trace: the client knows it all the same."""
    done = shop.pamazon("search", "stall", "--timeout", "0.4", "--api", shop.api)
    assert done.returncode == 1
    assert "did not answer in time" in done.stderr
    assert "DEADLINE_EXCEEDED" in done.stdout
    assert "txt_minibatch_encoding" in done.stdout


def test_a_terminal_without_unicode_gets_what_it_can_show(shop: Shop) -> None:
    """The price's € becomes a question mark, and the trace is drawn in ASCII."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONIOENCODING", "ascii")
        done = shop.pamazon("search", "guitarra", "--limit", "1", "--api", shop.api)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"guitar +\?\d+\.\d\d ", done.stdout)
    assert "qdrant_search" in done.stdout
    assert done.stdout.isascii()


def test_an_executor_that_comes_back_is_found_again(shop: Shop, tmp_path: Path) -> None:
    """The gateway connects by itself, soon after the executor is there."""
    address = free_address()
    with Processes(tmp_path / "logs") as processes:
        where = [f"--clip-encoder={address}", f"--qdrant-indexer={shop.qdrant_indexer}"]
        command = pamazon_command("serve", "gateway", "--listen", ANYWHERE, "--follow-parent", *where)
        gateway = processes.ready(processes.start_role("gateway", command))["address"]
        assert shop.pamazon("search", "--json", "coat", gateway=gateway).returncode == 1
        command = pamazon_command("serve", "clip_encoder", "--listen", address, "--follow-parent")
        processes.ready(processes.start_role("clip_encoder", command))
        deadline = time.monotonic() + 10
        while shop.pamazon("search", "--json", "coat", gateway=gateway).returncode:
            assert time.monotonic() < deadline, "the gateway does not find the encoder"


def test_a_search_works_without_a_collector(shop: Shop) -> None:
    """Results as ever, one line that no trace can be shown, and no waiting for what is not there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{free_address()}")
        done = shop.pamazon("search", "guitarra", "--limit", "2", "--api", free_address(), "--jaeger", free_address())
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.rstrip().splitlines()
    assert len(lines) == 4
    assert lines[-1].startswith("No trace is shown: No collector responds at ")


class JaegerStandIn(BaseHTTPRequestHandler):
    """Jaeger's answer to a trace that it does not have yet, and the second time, to one that it has."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        there = len(self.asked) > 1
        body = (
            {"data": [{"spans": [{}]}]}
            if there
            else {"data": None, "errors": [{"code": 404, "msg": "trace not found"}]}
        )
        self.send_response(200 if there else 404)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name there)
        pass


def test_a_search_without_a_local_collector_leads_to_jaeger(shop: Shop) -> None:
    """On the real stack the trace goes there: the last line is its page, once Jaeger has it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), JaegerStandIn) as server:
        threading.Thread(target=server.serve_forever).start()
        address = f"127.0.0.1:{server.server_port}"
        done = shop.pamazon("search", "guitarra", "--limit", "2", "--api", free_address(), "--jaeger", address)
        server.shutdown()
    assert (done.returncode, done.stderr) == (0, "")
    (path, _) = JaegerStandIn.asked
    trace_id = path.removeprefix("/api/traces/")
    assert done.stdout.splitlines()[-1] == f"Trace: http://{address}/trace/{trace_id}"
    assert shop.trace(trace_id).named("qdrant_search")


def test_output_on_a_full_disk_is_one_line(shop: Shop) -> None:
    """And status 1, whichever part of it could not be written."""
    nowhere = ("--api", free_address(), "--jaeger", free_address(), "--gateway", shop.gateway)
    for command in (("search", "coat", *nowhere), ("search", "coat", "--json", *nowhere), ("search", "--help")):
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                pamazon_command(*command), stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
            )
        assert (done.returncode, done.stderr) == (1, "The output cannot be written: No space left on device.\n")


def test_a_full_index_is_not_filled_again(shop: Shop) -> None:
    """`--once` asks the indexer what it holds; a catalogue with more goods than that is indexed."""
    done = shop.pamazon("index", "--once", "--qdrant-indexer", shop.qdrant_indexer)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"The index holds [\d,]+ goods already\.\n", done.stdout)
    nobody = free_address()
    failed = shop.pamazon("index", "--once", "--qdrant-indexer", nobody)
    assert failed.returncode == 2
    assert failed.stderr.startswith(f"No qdrant_indexer answers at {nobody}.\n")


def test_a_search_works_with_telemetry_switched_off(shop: Shop) -> None:
    """The client sends no context then; the gateway's own trace is named all the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_SDK_DISABLED", "true")
        done = shop.pamazon("search", "--json", "guitarra")
    assert done.returncode == 0
    trace = shop.trace(json.loads(done.stdout)["trace_id"])
    assert trace.tree().startswith("/pamazon.Gateway/Search SERVER gateway\n  /search gateway\n")


def test_a_catalogue_of_ones_own_is_indexed_and_bad_rows_are_reported(shop: Shop, tmp_path: Path) -> None:
    """A row that cannot be used is reported by file and line, and skipped; the others are found."""
    Image.new("RGB", (64, 64), (12, 200, 90)).save(tmp_path / "green.png")
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    file = tmp_path / "catalogue.jsonl"
    file.write_text(
        json.dumps({"id": "my-green", "name": "My green thing", "image": "green.png", "price": 5.5})
        + "\nthis is not JSON\n"
        + json.dumps({"id": "my-broken", "name": "Broken", "image": "broken.png"})
        + "\n"
    )
    done = shop.pamazon("index", "--catalogue", str(tmp_path))
    assert done.returncode == 0
    assert f"{file}:2: " in done.stderr
    assert f"{file}:3: " in done.stderr
    assert "2 rows were skipped" in done.stderr
    assert "1/1" in done.stdout
    found = json.loads(shop.pamazon("search", "--json", "--image", str(tmp_path / "green.png"), "--exact").stdout)
    assert found["results"][0]["id"] == "my-green"
    assert (found["results"][0]["name"], found["results"][0]["price_cents"]) == ("My green thing", 550)


def test_load_reports_and_its_counts_add_up(shop: Shop) -> None:
    """Searches sent and answered, percentiles in order, and every span of the client accounted for."""
    done = shop.pamazon("load", "--rate", "40", "--duration", "1", "--seed", "5", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["sent"], report["succeeded"], report["errors"]) == (0, 40, 40, {})
    assert 0 < report["latency"]["p50_ms"] <= report["latency"]["p95_ms"] <= report["latency"]["p99_ms"]
    groups = {(group["platform"], group["region"]): group for group in report["groups"]}
    assert sum(group["succeeded"] for group in groups.values()) == 40
    assert groups["linux", "cl"]["latency"]["p50_ms"] > 110
    counts = report["telemetry"]
    assert counts["recorded"] == 40
    assert counts["exported"] + sum(counts["dropped"].values()) == 40


def values_of(shop: Shop, name: str, service: str) -> set[Any]:
    """The platforms and regions in the series of a service."""
    every = shop.ask(f"/api/metrics/{name}")["series"]
    found = [series["attributes"] for series in every if series["service"] == service]
    return {attributes.get(key) for attributes in found for key in ("client.platform", "client.region")}


def test_load_sends_a_mix_of_platforms_and_regions(shop: Shop) -> None:
    """Who asks is known on every span of the request, in every process."""
    rows = shop.ask("/api/traces", attribute="client.platform=android", limit="1")["traces"]
    trace = shop.trace(rows[0]["trace_id"])
    assert {span["attributes"]["client.platform"] for span in trace.spans} == {"android"}
    assert len({span["attributes"]["client.region"] for span in trace.spans}) == 1
    platforms = {
        platform
        for platform in ("web", "ios", "android")
        if shop.ask("/api/traces", attribute=f"client.platform={platform}", limit="1")["traces"]
    }
    assert platforms == {"web", "ios", "android"}
    for name, service in (("search.request.duration", "gateway"), ("search.client.duration", "pamazon")):
        deadline = time.monotonic() + 20  # the gateway exports every five seconds
        wanted = {"web", "ios", "android", "de", "us"}
        while not wanted <= (found := values_of(shop, name, service)):
            assert time.monotonic() < deadline, f"{name} has {found}"


def test_a_slow_link_is_time_of_the_client_and_not_of_the_gateway(shop: Shop) -> None:
    """Linux in Chile, of the load before: most of the CLIENT span is not in its SERVER child."""
    (row,) = shop.ask("/api/traces", attribute="client.region=cl", limit="1")["traces"]
    client, server = shop.trace(row["trace_id"]).named("/pamazon.Gateway/Search")
    assert (client["kind"], server["kind"]) == ("client", "server")
    assert client["duration_ns"] - server["duration_ns"] > 110e6


def test_a_search_names_its_caller(shop: Shop) -> None:
    """The platform and region of one search, in every process; unknown ones are refused with those that there are."""
    trace = shop.search("guitarra", "--platform", "linux", "--region", "cl")
    assert {(s["attributes"]["client.platform"], s["attributes"]["client.region"]) for s in trace.spans} == {
        ("linux", "cl")
    }


def test_load_ends_early_with_its_report(shop: Shop) -> None:
    """Ctrl-C: no more searches, what was asked is answered and reported."""
    command = pamazon_command("load", "--rate", "20", "--duration", "60", "--json", "--gateway", shop.gateway)
    before = shop.latest("/pamazon.Gateway/Search")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as load:
        shop.next_trace("/pamazon.Gateway/Search", before)
        load.terminate()
        output, _ = load.communicate(timeout=30)
    report = json.loads(output)
    assert load.returncode == 0
    assert 0 < report["sent"] == report["succeeded"] < 1200


def test_the_search_command_loads_no_model_and_no_index() -> None:
    """It answers fast because it imports little: neither the encoders' nor the index's packages, nor numpy."""
    code = (
        "import sys; import demo_flow.cli, demo_flow.client, demo_flow.showing, telemetry; "
        "print([m for m in ('numpy', 'onnxruntime', 'qdrant_edge', 'pyarrow', 'PIL') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
