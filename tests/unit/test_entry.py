"""The entry of a request: `search.entry`, and who asks, on the metrics of the endpoint where the request enters."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from opentelemetry import baggage
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

import telemetry
from telemetry import conventions as c
from telemetry.batching import batched
from telemetry.config.settings import load
from telemetry.context import carry, extract, inject
from telemetry.errors import ConfigurationError
from telemetry.recording.request.bounds import bounds
from telemetry.testing.metrics import Metrics
from telemetry.testing.spans import Spans

pytestmark = pytest.mark.usefixtures("regions")


@telemetry.endpoint("/search")
def gateway(docs: list[str]) -> list[str]:
    """The first endpoint of a flow."""
    return encoder(docs)


@telemetry.endpoint("/search")
def encoder(docs: list[str]) -> list[str]:
    """An endpoint behind it."""
    return docs


def ask(docs: list[str], **baggage_entries: str) -> None:
    """Send a request with this baggage to the first endpoint."""
    entries = ",".join(f"{name.replace('_', '.')}={value}" for name, value in baggage_entries.items())
    with extract({"baggage": entries}):
        gateway(docs)


def entries(spans: Spans) -> list[Any]:
    """`search.entry` of the endpoints, in the order of their begins."""
    found = [span for span in spans if span.name.startswith("/")]
    return [(span.attributes or {})["search.entry"] for span in sorted(found, key=lambda span: span.start_time or 0)]


def client(metrics: Metrics, name: str = "search.request.duration") -> list[tuple[Any, Any]]:
    """Platform and region of each series of a metric."""
    return [(series.get("client.platform"), series.get("client.region")) for series in metrics.series(name)]


class TestEntry:
    def test_the_first_endpoint_is_the_entry_and_what_it_calls_is_not(self, spans: Spans, metrics: Metrics) -> None:
        """Also in the same process; platform and region stand on the entry's series alone."""
        ask(["q"], client_platform="ios", client_region="de")
        assert entries(spans) == [True, False]
        series = sorted(metrics.series("search.request.duration"), key=lambda one: not one["search.entry"])
        assert series == [
            {
                "search.operation": "search", "search.entry": True, "client.platform": "ios", "client.region": "de",
                "search.outcome": "ok",
            },
            {"search.operation": "search", "search.entry": False, "search.outcome": "ok"},
        ]  # fmt: skip
        assert metrics.value("search.documents", {"search.operation": "search", "search.outcome": "ok"}) == 2  # of both

    def test_what_receives_the_mark_is_inner(self, spans: Spans, metrics: Metrics) -> None:
        """In another process, whatever carries the baggage there."""
        with telemetry.endpoint("/index"):
            headers = inject()
        assert "search.entry=false" in headers["baggage"]
        with extract(headers):
            gateway(["q"])
        assert entries(spans) == [True, False, False]
        assert metrics.value("search.request.documents") == 0

    def test_a_fan_out_has_one_entry(self, spans: Spans) -> None:
        """Tasks and threads that the first endpoint starts are inside it."""

        @telemetry.endpoint("/part")
        async def part(number: int) -> int:
            return number

        @telemetry.endpoint("/whole")
        async def whole() -> list[int]:
            await asyncio.to_thread(carry(encoder), ["q"])
            return await asyncio.gather(*(part(number) for number in range(3)))

        asyncio.run(whole())
        assert sorted(entries(spans)) == [False, False, False, False, True]

    def test_requests_that_follow_each_other_are_entries(self, spans: Spans) -> None:
        """The mark ends with the endpoint."""
        for _ in range(2):
            with telemetry.request("/search", platform="web"):
                encoder(["q"])
                encoder(["q"])
        assert entries(spans) == [True] * 4

    def test_a_batch_is_inside_its_requests(self, spans: Spans) -> None:
        """Its trace is its own, and it is not a request that enters."""

        @batched
        def encode(items: list[str]) -> list[str]:
            return encoder(items)

        with telemetry.endpoint("/search"):
            encode(["q"])
        assert entries(spans) == [True, False]

    @pytest.mark.parametrize("sent", ["true", "1", "", "False"])
    def test_only_the_mark_is_the_mark(self, spans: Spans, sent: str) -> None:
        """What else a client writes there does not hide its request."""
        ask(["q"], search_entry=sent)
        assert entries(spans) == [True, False]

    def test_odd_objects_in_the_baggage_are_no_mark(self, spans: Spans) -> None:
        """Baggage of this process may hold anything."""

        class Odd:
            def __eq__(self, other: object) -> bool:
                raise RuntimeError("not comparable")

            def __hash__(self) -> int:
                raise RuntimeError("not hashable")

            def __str__(self) -> str:
                raise RuntimeError("no words")

        context = Context()
        for name in ("search.entry", "client.platform", "client.region"):
            context = baggage.set_baggage(name, Odd(), context)
        token = telemetry.context.attach(context)
        try:
            encoder(["q"])
        finally:
            telemetry.context.detach(token)
        assert entries(spans) == [True]

    def test_without_baggage_every_process_is_an_entry(self, spans: Spans, metrics: Metrics) -> None:
        """A propagator that carries the trace alone: nobody knows what came before, nor who asks."""
        with telemetry.request("/search", platform="ios", region="de"), telemetry.endpoint("/search"):
            carrier: dict[str, str] = {}
            TraceContextTextMapPropagator().inject(carrier)
            context = TraceContextTextMapPropagator().extract(carrier, Context())
        token = telemetry.context.attach(context)
        encoder(["q"])
        telemetry.context.detach(token)
        assert entries(spans) == [True, True]
        assert sorted(client(metrics)) == [("_other", "_other"), ("ios", "de")]

    def test_errors_and_streams_have_it_too(self, spans: Spans, metrics: Metrics) -> None:
        """However the request ends."""

        @telemetry.endpoint("/failing")
        def failing() -> Iterator[int]:
            yield 1
            raise LookupError

        with telemetry.request(platform="web", region="us"), pytest.raises(LookupError):
            list(failing())
        (series,) = metrics.series("search.request.duration")
        assert (series["search.entry"], series["client.platform"], series["error.type"]) == (True, "web", "LookupError")


class TestDocuments:
    def test_documents_and_empty_requests_are_counted_at_the_entry(self, metrics: Metrics) -> None:
        """By operation, platform and region."""
        for docs in (["a", "b"], [], []):
            ask(docs, client_platform="android", client_region="us")
        asked = {"search.operation": "search", "client.platform": "android", "client.region": "us"}
        assert metrics.series("search.request.documents") == metrics.series("search.request.empty") == [asked]
        assert (metrics.value("search.request.documents", asked), metrics.value("search.request.empty", asked)) == (
            3,
            2,
        )
        assert metrics.total("search.request.documents", asked) == 2

    def test_a_request_whose_documents_are_unknown_is_not_empty(self, metrics: Metrics) -> None:
        """Nothing was counted, so nothing is said."""
        with telemetry.endpoint("/search"):
            pass
        assert metrics.series("search.request.documents") == metrics.series("search.request.empty") == []


class TestClosedLists:
    def test_what_is_not_listed_is_other_and_counted_once_for_a_request(self, spans: Spans, metrics: Metrics) -> None:
        """Wherever it comes from: a client's baggage, or `request`. It never takes a listed one's place."""
        for number in range(1000):
            ask(["q"], client_platform=f"p{number}", client_region=f"r{number}")
        with telemetry.request(platform="toaster", region="atlantis"):
            gateway(["q"])
        assert bounds.overflow() == {"client.platform": 1001, "client.region": 1001}
        ask(["q"], client_platform="macos", client_region="us")
        for name in ("search.request.duration", "search.request.documents"):
            told = [one for one in client(metrics, name) if one != (None, None)]
            assert sorted(told) == [("_other", "_other"), ("macos", "us")]
        assert {(span.attributes or {})["client.platform"] for span in spans} == {"_other", "macos"}

    def test_a_forked_child_keeps_the_lists(self) -> None:
        """It forgets what it has counted, and not what the process was configured with."""
        bounds.bounded(c.CLIENT_REGION, "atlantis")
        bounds.forget()
        assert (bounds.bounded(c.CLIENT_REGION, "de"), bounds.overflow()) == ("de", {})

    def test_case_does_not_matter(self, spans: Spans, metrics: Metrics) -> None:
        """Values are recorded in lower case; the baggage stays as it was sent."""
        ask(["q"], client_platform="iOS", client_region="DE")
        assert ("ios", "de") in client(metrics)
        assert {(span.attributes or {})["client.region"] for span in spans} == {"de"}

    def test_a_request_that_does_not_tell_is_other(self, spans: Spans, metrics: Metrics) -> None:
        """So that sums over platforms and regions hold all requests; it is not an overflow, and spans say nothing."""
        ask(["q"])
        assert set(client(metrics)) == {("_other", "_other"), (None, None)}
        assert not bounds.overflow()
        assert all("client.platform" not in (span.attributes or {}) for span in spans)

    def test_without_named_regions_every_region_is_other(self, metrics: Metrics) -> None:
        """Platforms have a list without being named."""
        bounds.close(c.CLIENT_REGION, ())
        ask(["q"], client_platform="web", client_region="de")
        assert ("web", "_other") in client(metrics)

    def test_a_baggage_of_many_entries_costs_no_series(self, metrics: Metrics) -> None:
        """A hostile one is cut by its propagator, and what is left is bounded."""
        carrier = {"baggage": ",".join(f"client.region=x{number}" for number in range(500))}
        token = telemetry.context.attach(W3CBaggagePropagator().extract(carrier, Context()))
        gateway(["q"])
        telemetry.context.detach(token)
        assert len(metrics.series("search.request.duration")) == 2


class TestSettings:
    @pytest.mark.parametrize(
        ("given", "platforms", "regions"),
        [
            ({}, c.PLATFORMS, ()),
            ({"platforms": "Web, kiosk,web", "regions": ["DE", "us", "de"]}, ("web", "kiosk"), ("de", "us")),
            ({"platforms": "", "regions": ""}, c.PLATFORMS, ()),
        ],
    )
    def test_lists_are_read_in_lower_case(
        self, given: Mapping[str, object], platforms: tuple[str, ...], regions: tuple[str, ...]
    ) -> None:
        settings = load(given, {})
        assert (settings.platforms, settings.regions) == (platforms, regions)

    @pytest.mark.parametrize(
        ("variable", "value", "problem"),
        [
            ("REGIONS", "de,eu", "has 'eu', which is not a country's two letters in ISO 3166; write de,us"),
            ("REGIONS", "uk", "has 'uk', which is not a country's two letters in ISO 3166; write gb"),
            ("REGIONS", "germany", "has 'germany', which is not a country's two letters in ISO 3166; write de,us"),
            (
                "REGIONS",
                "de,us,es,fr,gb,it,jp,br,cl,mx,at,ch,nl,be,pl,cz,dk,se,no,fi,pt",
                "has 21 names, and client.region has at most 20; name those that matter",
            ),
            (
                "PLATFORMS",
                ",".join(f"p{number}" for number in range(13)),
                "has 13 names, and client.platform has at most 12; name those that matter",
            ),
            ("PLATFORMS", "we\x00b", "has 'we\\x00b', which is not a name; write web,ios"),
        ],
    )
    def test_mistakes_are_told(self, variable: str, value: str, problem: str) -> None:
        with pytest.raises(ConfigurationError) as caught:
            load({}, {f"SEARCH_TELEMETRY_{variable}": value})
        assert problem in str(caught.value)
