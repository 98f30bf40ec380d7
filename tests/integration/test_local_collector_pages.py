"""Web pages that send to the local collector: which may, what browsers are allowed, and what stays closed to all."""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Iterator

import pytest

from collector.local.cli.collect import _warnings, access_of
from collector.local.cli.commands import add
from collector.local.errors import SettingsError
from collector.local.net.access import Tokens
from collector.local.net.origins import Origins
from collector.local.server import Addresses, LocalCollector
from tests import otlp_samples as otlp
from tests.local_collector import JSON, allowing, post

TOKEN = "a-token-of-more-than-16-characters"
SHOP = "https://shop.example"
OF_THIS_MACHINE = (
    "http://localhost:3000",
    "http://localhost",
    "https://localhost:8443",
    "http://127.0.0.1:8000",
    "http://127.8.9.1:5000",
    "http://[::1]:5173",
    "http://shop.localhost:5173",
)
FROM_ELSEWHERE = (
    "https://evil.example",
    "null",
    "http://localhost.evil.example",
    "http://evil.example:4318",
    "http://10.0.0.5:3000",
    "http://127.0.0.1.evil.example",
    "file://",
    "chrome-extension://abcdef",
    "http://[::1",
    "http://notlocalhost:3000",
)
SPAN = json.dumps(otlp.traces(otlp.small_span(1)))


@pytest.fixture(scope="module")
def collector() -> Iterator[LocalCollector]:
    with allowing(SHOP) as running:
        yield running


def asked(
    collector: LocalCollector, origin: str, headers: str = "content-type", path: str = "/v1/traces"
) -> dict[str, str]:
    """What a browser is answered that asks whether a page may send."""
    request = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": headers,
        "Access-Control-Request-Private-Network": "true",
    }
    status, answer, _ = post(collector, path, None, request, "OPTIONS")
    allowed = {name: value for name, value in answer.items() if name.startswith("access-control-allow")}
    return allowed if status == 200 and "access-control-allow-origin" in answer else {}


@pytest.mark.parametrize("origin", [*OF_THIS_MACHINE, SHOP])
def test_a_page_that_may_send_is_let_through_by_its_browser(collector: LocalCollector, origin: str) -> None:
    """The question before it, the export itself, and its answer, which the page may read."""
    assert asked(collector, origin, "content-type,authorization,x-anything") == {
        "access-control-allow-origin": origin,
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "content-type,authorization,x-anything",
        "access-control-allow-credentials": "true",
        "access-control-allow-private-network": "true",
    }
    status, answer, _ = post(collector, "/v1/traces", SPAN, JSON | {"Origin": origin})
    assert (status, answer["access-control-allow-origin"]) == (200, origin)
    assert answer["vary"] == "Origin"


@pytest.mark.parametrize("origin", FROM_ELSEWHERE)
def test_a_page_from_elsewhere_is_stopped_by_its_browser_and_by_us(collector: LocalCollector, origin: str) -> None:
    """Not even one that looks like this machine by its name (DNS rebinding): browsers send the page's origin."""
    assert asked(collector, origin) == {}
    status, answer, body = post(collector, "/v1/traces", SPAN, JSON | {"Origin": origin})
    assert (status, "access-control-allow-origin" in answer) == (403, False)
    assert f"telemetry collect --allow-origin {origin}" in json.loads(body)["message"]


def test_a_page_that_may_not_send_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A browser shows its user little: the log has the option."""
    with allowing() as collector, caplog.at_level(logging.WARNING, "collector.local"):
        asked(collector, "https://shop.example")
    (line,) = caplog.messages
    assert line == (
        "a web page of 'https://shop.example' may not send; hint: telemetry collect --allow-origin https://shop.example"
    )


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [(SPAN, {"Content-Type": "text/plain"}, 415), ("{", JSON, 400), (SPAN, JSON | {"Content-Encoding": "br"}, 415)],
)
def test_a_page_may_read_why_it_was_refused(
    collector: LocalCollector, body: str, headers: dict[str, str], status: int
) -> None:
    """Otherwise its exporter sees a failed fetch, without a reason."""
    answered, answer, _ = post(collector, "/v1/traces", body, headers | {"Origin": SHOP})
    assert (answered, answer["access-control-allow-origin"]) == (status, SHOP)
    assert answer["access-control-expose-headers"] == "Retry-After"


def test_a_service_is_answered_without_a_word_about_pages(collector: LocalCollector) -> None:
    """It sends no `Origin`."""
    _, answer, _ = post(collector, "/v1/traces", SPAN, JSON)
    assert [name for name in answer if name.startswith("access-control") or name == "vary"] == []


def test_with_a_token_the_question_needs_none_and_the_export_does() -> None:
    """Browsers ask without it; a page without the token may read that it needs one."""
    with allowing(SHOP, tokens=Tokens([TOKEN])) as collector:
        assert asked(collector, SHOP, "authorization,content-type")["access-control-allow-origin"] == SHOP
        assert asked(collector, "https://evil.example") == {}
        status, answer, _ = post(collector, "/v1/traces", SPAN, JSON | {"Origin": SHOP})
        assert (status, answer["access-control-allow-origin"]) == (401, SHOP)
        token = {"Authorization": f"Bearer {TOKEN}"}
        assert post(collector, "/v1/traces", SPAN, JSON | token | {"Origin": SHOP})[0] == 200


@pytest.mark.parametrize("origin", ["*", SHOP])
def test_the_query_api_stays_closed_to_pages_of_other_origins(origin: str) -> None:
    """No page of another origin can read what is stored, even if it may send."""
    with allowing(origin) as collector:
        api = LocalCollector(None)  # for `post`, which sends to the OTLP port of whom it is given
        api.addresses = Addresses(None, collector.addresses.api, None)
        for page in (SHOP, "http://localhost:3000"):
            assert asked(api, page, path="/api/traces") == {}
            for path in ("/api/traces", "/api/health", "/api/stats", "/api/none"):
                _, answer, _ = post(api, path, None, {"Origin": page}, "GET")
                assert [name for name in answer if name.startswith("access-control")] == []


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        (SHOP, SHOP),
        ("HTTPS://Shop.Example/", SHOP),
        ("https://shop.example:443", SHOP),
        ("http://shop.example:80", "http://shop.example"),
        ("http://shop.example:8080", "http://shop.example:8080"),
        ("null", "null"),
        ("chrome-extension://abcdef", "chrome-extension://abcdef"),
        ("*", "https://anything.example"),
    ],
)
def test_an_origin_is_known_however_it_is_written(written: str, origin: str) -> None:
    """As browsers send it, from what a person types."""
    assert Origins.of([written]).allow(origin)
    assert Origins.of([written]).allow("https://other.example") == (written == "*")


@pytest.mark.parametrize(
    "written", ["shop.example", "", "https://shop.example/path", "https://*.example", "https://a b"]
)
def test_what_is_not_an_origin_is_refused_with_a_hint(written: str) -> None:
    """Before anything is opened."""
    with pytest.raises(SettingsError, match="is not the origin of a page") as refused:
        Origins.of([written])
    assert "https://shop.example" in refused.value.hint


def test_the_command_takes_origins_and_shows_when_every_page_may_send() -> None:
    """`--allow-origin`, as often as there are origins."""
    parser = argparse.ArgumentParser()
    add(parser.add_subparsers())
    args = parser.parse_args(["collect", "--allow-origin", SHOP, "--allow-origin", "*"])
    with LocalCollector(None, None, None, None, access=access_of(args)) as collector:
        assert collector.access.origins.named == {SHOP, "*"}
        assert list(_warnings(collector)) == ["any web page in a browser on this machine can send (--allow-origin '*')"]
