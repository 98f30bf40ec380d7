"""The desk's server: files, headers, login, whose requests are refused; `telemetry desk`; what the wheel holds."""

from __future__ import annotations

import argparse
import gzip
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from zipfile import ZipFile

import duckdb
import httpx
import pytest

from collector.local.net.access import Access, Tokens
from collector.local.page.routes import VIEWS
from collector.local.server import LocalCollector
from dashboards.commands import add
from dashboards.desk.page import folder
from telemetry.errors import TelemetryError
from tests import otlp_samples as otlp
from tests.local_collector import JSON, dial, post

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-of-more-than-16-characters"
OTHER = "another-token-of-the-same-collector"
MOST_BYTES = 250_000


def desk_of(tokens: Tokens | None = None, store: Path | None = None) -> LocalCollector:
    return LocalCollector(store, None, "127.0.0.1:0", "127.0.0.1:0", access=Access(tokens=tokens))


@pytest.fixture(scope="module")
def page() -> Iterator[httpx.Client]:
    with desk_of() as running, httpx.Client(base_url=f"http://{running.addresses.api}") as client:
        yield client


@pytest.fixture(scope="module")
def guarded() -> Iterator[LocalCollector]:
    with desk_of(Tokens([TOKEN, OTHER])) as running:
        yield running


def static_of(page: httpx.Client) -> str:
    """The address of the page's files."""
    found = re.search(r"/static/[0-9a-f]{12}", page.get("/").text)
    assert found
    return found[0]


def test_every_view_is_the_same_page_and_nothing_may_run_that_is_not_ours(page: httpx.Client) -> None:
    views = {page.get(path.format(trace_id="abc", uid="search-overview")).text for path in VIEWS}
    assert len(views) == 1
    answer = page.get("/")
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert (policy["script-src"], policy["style-src"], policy["connect-src"]) == ("'self'", "'self'", "'self'")
    assert (policy["require-trusted-types-for"], policy["frame-ancestors"]) == ("'script'", "'none'")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "<script>" not in answer.text
    assert "style=" not in answer.text


def test_files_are_kept_for_ever_by_their_digest(page: httpx.Client) -> None:
    static = static_of(page)
    script = page.get(f"{static}/main.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (script.headers["content-encoding"], script.text) == ("gzip", (folder() / "main.js").read_text("utf-8"))
    plain = page.get(f"{static}/main.js", headers={"Accept-Encoding": "identity"})
    assert ("content-encoding" in plain.headers, plain.text) == (False, script.text)
    known = page.get(f"{static}/main.js", headers={"If-None-Match": script.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    old = page.get("/static/000000000000/main.js")
    assert (old.headers["cache-control"], old.text) == ("no-cache", script.text)


@pytest.mark.parametrize(
    "path", ["/static/x/../page.py", "/static/x/%2e%2e/page.py", "/static/x//etc/passwd", "/static/x/index.html"]
)
def test_nothing_but_the_pages_files_is_served(page: httpx.Client, path: str) -> None:
    answer = page.get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/", "/api/traces", "/api/stats"])
def test_other_sites_are_refused(page: httpx.Client, path: str, headers: dict[str, str]) -> None:
    answer = page.get(path, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


def test_a_page_of_another_port_may_learn_that_the_desk_is_there_and_no_more(page: httpx.Client) -> None:
    """Such as the shop, which links to it."""
    shop = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}
    assert page.get("/api/health", headers=shop).status_code == 200
    assert page.get("/api/health", headers={**shop, "Host": "evil.example"}).status_code == 403
    assert page.get("/api/health", headers={**shop, "Origin": "http://127.0.0.1:8081"}).status_code == 200
    assert page.get("/api/health").headers["cross-origin-resource-policy"] == "cross-origin"
    assert page.get("/api/traces", headers=shop).status_code == 403


@pytest.mark.parametrize("where", ["document", "iframe"])
def test_no_link_nor_frame_of_another_site_leads_to_an_answer(page: httpx.Client, where: str) -> None:
    """Whoever types the address gets it, and what it says is neither guessed nor framed."""
    typed = {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": where}
    answer = page.get("/api/who", headers=typed)
    assert answer.status_code == 200
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert page.get("/api/nosuch").headers["x-content-type-options"] == "nosniff"
    for site in ("cross-site", "same-site"):
        assert page.get("/api/who", headers={**typed, "Sec-Fetch-Site": site}).status_code == 403


def test_a_link_from_elsewhere_is_followed_and_our_own_page_may_ask(page: httpx.Client) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert page.get("/traces/abc", headers=link).status_code == 200
    own = {"Origin": f"http://{page.base_url.netloc.decode()}", "Sec-Fetch-Site": "same-origin"}
    assert page.get("/api/traces", headers=own).status_code == 200


def test_a_login_is_a_cookie_that_scripts_cannot_read(guarded: LocalCollector) -> None:
    with httpx.Client(base_url=f"http://{guarded.addresses.api}") as reader:
        assert reader.get("/").status_code == 200  # the page has no data
        assert reader.get("/api/traces").status_code == 401
        for wrong in ('{"token": "not-the-token-of-this-one"}', "[]", "", '{"token": 5}', '{"token": "' + "x" * 9000):
            refused = reader.post("/login", content=wrong)
            assert (refused.status_code, refused.json()["error"]["code"]) == (401, "unauthorized")
        assert not reader.cookies
        answer = reader.post("/login", json={"token": TOKEN})
        assert answer.status_code == 204
        cookie = answer.headers["set-cookie"].lower()
        assert all(part in cookie for part in ("httponly", "samesite=strict", "path=/"))
        assert TOKEN not in cookie
        assert reader.get("/api/traces").status_code == 200
        assert reader.get("/api/traces", headers={"Origin": "https://evil.example"}).status_code == 403
        assert reader.post("/logout").status_code == 204
        assert reader.get("/api/traces").status_code == 401


def test_a_login_ends_with_its_time_and_with_its_token(guarded: LocalCollector) -> None:
    base = f"http://{guarded.addresses.api}"
    with httpx.Client(base_url=base) as reader:
        reader.post("/login", json={"token": OTHER})
        ((name, value),) = reader.cookies.items()
    until, _, signature = value.partition(".")
    assert int(until) > time.time() + 86_400
    assert status_with(base, name, value) == 200
    for changed in (f"{int(until) + 1}.{signature}", f"1.{signature}", f"{until}.{signature[:-1]}0x", until, "", "é.é"):
        assert status_with(base, name, changed) == 401
    _, port = str(guarded.addresses.api).split(":")
    tokens = Tokens([TOKEN])  # the one that the cookie was made with is not valid any more
    with LocalCollector(None, None, None, "127.0.0.1:0", access=Access(tokens=tokens)) as later:
        _, its = str(later.addresses.api).split(":")
        assert status_with(f"http://{later.addresses.api}", name.replace(port, its), value) == 401


def status_with(base: str, name: str, value: str) -> int:
    """Of a request with a cookie, as bytes that httpx would not send."""
    return httpx.get(f"{base}/api/traces", headers=[(b"Cookie", f"{name}={value}".encode())]).status_code


def test_without_tokens_nobody_logs_in(page: httpx.Client) -> None:
    assert page.post("/login", json={"token": "anything"}).headers.get("set-cookie") is None
    assert page.get("/login").status_code == 405


def stored(path: Path) -> Path:
    with desk_of(store=path) as running:
        status, _, _ = post(running, "/v1/traces", json.dumps(otlp.traces(otlp.small_span(1))), JSON)
        assert status == 200
    return path


def test_telemetry_desk_serves_a_store_without_a_collector(tmp_path: Path) -> None:
    """At a free port; it ends by a signal, and leaves the store as it was."""
    store = stored(tmp_path / "store.duckdb")
    before = store.read_bytes()
    command = [sys.executable, "-m", "telemetry", "desk", "--store", str(store)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as desk:
        assert desk.stdout
        found = re.search(r"http://127\.0\.0\.1:\d+", desk.stdout.readline())
        assert found
        assert 'data-source="store"' in httpx.get(found[0]).text
        assert [row["span_count"] for row in httpx.get(f"{found[0]}/api/traces").json()["traces"]] == [1]
        assert httpx.get(f"{found[0]}/api/stats").json()["held"]["spans"] == 1
        desk.send_signal(signal.SIGTERM)
        assert desk.wait(10) == 0
        assert desk.stderr
        assert desk.stderr.read() == ""
    assert store.read_bytes() == before


def run_desk(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    add(parser.add_subparsers())
    args = parser.parse_args(["desk", *arguments])
    status: int = args.run(args)
    return status


def test_what_can_be_wrong_with_telemetry_desk_is_said(tmp_path: Path) -> None:
    store = stored(tmp_path / "store.duckdb")
    with desk_of() as other, closing(dial(other.addresses.api)):
        port = str(other.addresses.api).split(":")[1]
        with pytest.raises(TelemetryError, match=f"Port {port} .* is taken") as taken:
            run_desk("--store", str(store), "--api", str(other.addresses.api))
        assert "--api HOST:PORT" in taken.value.hint
    with pytest.raises(TelemetryError, match="There is no store at"):
        run_desk("--store", str(tmp_path / "none.duckdb"))
    with pytest.raises(TelemetryError, match="can be reached from other machines"):
        run_desk("--store", str(store), "--api", "0.0.0.0:0")
    with duckdb.connect(str(store)) as connection:
        connection.execute("UPDATE meta SET value = '999' WHERE key = 'schema_version'")
    with pytest.raises(TelemetryError, match="schema version 999"):
        run_desk("--store", str(store))


def test_a_collector_holds_its_store(tmp_path: Path) -> None:
    with desk_of(store=tmp_path / "store.duckdb"), pytest.raises(TelemetryError, match=r"is in use by|is open in"):
        run_desk("--store", str(tmp_path / "store.duckdb"))


def test_the_wheel_holds_the_page_and_it_is_small(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path)]
    subprocess.run([*command, str(ROOT / "packaging" / "stack")], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("search_telemetry_stack-*.whl")
    with ZipFile(wheel) as opened:
        held = {name for name in opened.namelist() if name.startswith("dashboards/desk/static/")}
        points = opened.read(next(name for name in opened.namelist() if name.endswith("entry_points.txt"))).decode()
    ours = {path for path in folder().rglob("*") if path.is_file()}
    assert held == {f"dashboards/desk/static/{path.relative_to(folder()).as_posix()}" for path in ours}
    assert "[search_telemetry.pages]\ndesk = dashboards.desk.page:folder" in points
    licences = {path.name for path in ours if path.name.startswith("LICENSE")}
    assert licences == {"LICENSE-preact.txt", "LICENSE-htm.txt", "LICENSE-uplot.txt"}
    loaded = [path for path in ours if not path.name.startswith("LICENSE")]
    assert sum(len(gzip.compress(path.read_bytes(), 9)) for path in loaded) <= MOST_BYTES


def test_the_styles_of_a_view_do_not_reach_into_another() -> None:
    """All sheets are loaded sooner or later: what one of a view or a component styles, none of another does."""
    owners: dict[str, str] = {}
    shared = {"table"}  # of components.css, which a view may narrow
    for path in sorted([folder() / "views.css", *folder().glob("views/**/*.css"), *folder().glob("components/*.css")]):
        text = re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.DOTALL)
        for selector in ",".join(re.findall(r"([^{}]+)\{", text)).split(","):
            found = re.match(r"\s*\.([\w-]+)", selector)
            if found and found[1] not in shared:
                assert owners.setdefault(found[1], path.name) == path.name, f".{found[1]} in {path.name}, too"


def test_colours_sizes_and_durations_stand_in_one_file() -> None:
    """Also those of others: every module has at most 400 lines."""
    odd = re.compile(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(\d|\bhsla?\(\d")
    for path in folder().rglob("*"):
        if not path.is_file() or "vendor" in path.parts or path.name in {"tokens.css", "icon.svg", "boards.json"}:
            continue
        text = path.read_text("utf-8")
        assert len(text.splitlines()) <= 400, path
        assert path.suffix not in {".css", ".js"} or not odd.search(text), path
