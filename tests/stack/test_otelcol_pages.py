"""Web pages that send to the real Collector with `cors.yaml`: the same may as with the local one."""

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from collector.stack.programs.otelcol import Otelcol
from collector.stack.stack import Stack
from tests import otlp_samples as otlp
from tests.browser.driving import blank_page, in_browser
from tests.browser.environment import missing
from tests.certificates import BEARER, TOKEN

Answer = tuple[int, dict[str, str]]
SHOP = "https://shop.example"
ALLOWED = '["http://localhost:*", "https://shop.example"]'


@dataclass(frozen=True)
class Running:
    """A Collector for pages, one that asks for a token too, and one whose user named the origins."""

    stack: Stack

    def call(
        self, collector: str, method: str, body: str | None, headers: dict[str, str]
    ) -> tuple[int, dict[str, str]]:
        """A request to `/v1/traces`: status and CORS' headers."""
        connection = http.client.HTTPConnection(self.stack.address(f"{collector}.otlp_http"), timeout=30)
        connection.request(method, "/v1/traces", body, headers)
        with connection.getresponse() as response:
            response.read()
        connection.close()
        allowed = {name.lower(): value for name, value in response.getheaders()}
        return response.status, {name: value for name, value in allowed.items() if name.startswith("access-control")}

    def asked(self, collector: str, origin: str) -> dict[str, str]:
        """What a browser is answered that asks whether a page may send."""
        asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
        return self.call(collector, "OPTIONS", None, {"Origin": origin} | asks)[1]

    def sent(self, collector: str, origin: str, **headers: str) -> Answer:
        """What a page is answered that sends."""
        body = json.dumps(otlp.traces(otlp.small_span(1)))
        return self.call(collector, "POST", body, {"Origin": origin, "Content-Type": "application/json"} | headers)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("stack")
    (folder / "tokens").write_text(f"{TOKEN}\n")
    (folder / "named.yaml").write_text(
        f"receivers: {{otlp: {{protocols: {{http: {{cors: {{allowed_origins: {ALLOWED}}}}}}}}}}}\n"
    )
    layers = ("base", "privacy", "cors")
    collectors = [
        Otelcol("open", layers),
        Otelcol("guarded", (*layers, "token"), shift=1000),
        Otelcol("named", (*layers, str(folder / "named")), shift=2000),
    ]
    environment = {"OTELCOL_TOKEN_FILE": str(folder / "tokens")}
    with Stack(collectors, data_dir=folder, environment=environment) as stack:
        yield Running(stack)


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:3000",
        "http://localhost",
        "https://localhost:8443",
        "http://127.0.0.1:8000",
        "http://[::1]:5173",
    ],
)
def test_a_page_of_this_machine_may_send(running: Running, origin: str) -> None:
    """The question before it, and the export, whose answer the page may read."""
    allowed = running.asked("open", origin)
    assert (allowed["access-control-allow-origin"], allowed["access-control-allow-credentials"]) == (origin, "true")
    assert allowed["access-control-allow-headers"] == "authorization,content-type"
    status, allowed = running.sent("open", origin)
    assert (status, allowed["access-control-allow-origin"]) == (200, origin)


@pytest.mark.parametrize("origin", [SHOP, "http://localhost.evil.example", "http://127.0.0.1.evil.example", "null"])
def test_a_page_from_elsewhere_is_stopped_by_its_browser(running: Running, origin: str) -> None:
    """It has no permission."""
    assert "access-control-allow-origin" not in running.asked("open", origin)


def test_who_names_origins_names_all_of_them(running: Running) -> None:
    """The list is replaced."""
    assert running.asked("named", SHOP)["access-control-allow-origin"] == SHOP
    assert running.asked("named", "http://localhost:3000")["access-control-allow-origin"] == "http://localhost:3000"
    assert "access-control-allow-origin" not in running.asked("named", "http://127.0.0.1:8000")


def test_with_a_token_the_question_needs_none_and_the_export_does(running: Running) -> None:
    """Browsers ask without it."""
    page = "http://localhost:3000"
    assert running.asked("guarded", page)["access-control-allow-origin"] == page
    status, allowed = running.sent("guarded", page)
    assert (status, allowed["access-control-allow-origin"]) == (401, page)
    assert running.sent("guarded", page, Authorization=BEARER)[0] == 200


@pytest.mark.skipif(bool(missing()), reason=missing())
def test_a_real_browser_lets_a_page_of_this_machine_send_and_stops_the_others(running: Running) -> None:
    """Chromium asks, and goes by the answer."""
    body = json.dumps(otlp.traces(otlp.small_span(1)))
    span = {"method": "POST", "headers": {"Content-Type": "application/json"}, "body": body}
    calls = [{"address": f"http://{running.stack.address('open.otlp_http')}/v1/traces", **span}]
    with blank_page() as port:
        visits = [{"url": f"http://{name}:{port}/", "calls": calls} for name in ("localhost", "shop.example")]
        seen = in_browser("fetch.mjs", names={"shop.example": "127.0.0.1"}, visits=visits)
    assert seen.result == [[200], ["stopped"]]
