"""Who may ask the shop: browsers that reach it by an address or a name that is its own, and only from its own page."""

import httpx
import pytest

from demo_flow.errors import PamazonError
from demo_flow.serving.dispatch import Dispatcher
from demo_flow.shop.app import create_app
from demo_flow.shop.pictures import Pictures
from demo_flow.shop.settings import Settings

SEARCH = {"method": "POST", "url": "/api/search", "json": {"text": "coat"}}
LOADING = 503
"""What a search is answered that nobody refuses: nothing serves behind this shop."""


async def answer(headers: dict[str, str], names: str = "", **asked: object) -> httpx.Response:
    settings = Settings.of(traces="none", page_otlp="none", shop_names=names)
    transport = httpx.ASGITransport(create_app(Dispatcher("gateway"), settings, Pictures()))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8081") as client:
        return await client.request(**{"method": "GET", "url": "/", **asked}, headers=headers)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8081", 200),
        ("localhost:18081", 200),
        ("[::1]:8081", 200),
        ("192.168.1.20:8081", 200),  # a published port, opened from a phone
        ("shop.example", 200),  # allowed below
        ("SHOP.example:8443", 200),
        ("evil.example:8081", 403),
        ("127.0.0.1.evil.example", 403),
        ("localhost.evil.example", 403),
        ("", 403),
    ],
)
async def test_a_name_has_to_be_allowed_and_an_address_has_not(host: str, status: int) -> None:
    """A name may be anybody's who lets it lead to this machine."""
    told = await answer({"Host": host}, names="shop.example, second.example")
    assert told.status_code == status
    if status == 403:
        error = told.json()["error"]
        assert (error["code"], "--shop-names" in error["hint"]) == ("PERMISSION_DENIED", True)
        assert "default-src 'none'" in told.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, LOADING),
        ({"Origin": "http://127.0.0.1:8081", "Sec-Fetch-Site": "same-origin"}, LOADING),
        ({"Origin": "https://shop.example", "Sec-Fetch-Site": "same-origin"}, LOADING),  # a proxy that changes Host
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:3000", "Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
async def test_only_its_own_page_makes_a_browser_search(headers: dict[str, str], status: int) -> None:
    assert (await answer(headers, names="shop.example", **SEARCH)).status_code == status


async def test_a_link_from_elsewhere_leads_to_the_page() -> None:
    linked = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert (await answer(linked)).status_code == 200
    assert (await answer({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"})).status_code == 403


@pytest.mark.parametrize("given", ["http://shop.example", "shop.example:80", "a b", "-"])
def test_what_is_not_a_name_is_refused(given: str) -> None:
    with pytest.raises(PamazonError, match="--shop-names"):
        Settings.of(traces="none", page_otlp="none", shop_names=given)


async def test_a_star_allows_every_name() -> None:
    assert (await answer({"Host": "anything.example"}, names="*")).status_code == 200
