"""The filter language: what is a filter, what it matches, where a mistake is, what may be typed next."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.local import query
from collector.local.api.answers import answer
from collector.local.query import LogFilter, QueryError, TraceFilter
from collector.local.query.language.completion import complete, place_of
from collector.local.query.language.parser import LOGS, TRACES, parse
from collector.local.query.language.terms import FilterError, Term
from tests.unit.query_store import MS, START, A, B, C, HandFilledStore


def terms(text: str) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(term.key, term.operator, term.values) for term in parse(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("   ", []),
        ("service=clip_encoder", [("service", "=", ("clip_encoder",))]),
        ("service==gateway", [("service", "=", ("gateway",))]),
        (
            "duration>50ms  len_docs>=10\tstatus!=error",
            [("duration", ">", ("50ms",)), ("len_docs", ">=", ("10",)), ("status", "!=", ("error",))],
        ),
        ("duration > 50ms region = cl", [("duration", ">", ("50ms",)), ("region", "=", ("cl",))]),
        ("region=cl,us platform!=web", [("region", "=", ("cl", "us")), ("platform", "!=", ("web",))]),
        ("db.collection.name=goods", [("db.collection.name", "=", ("goods",))]),
        ('message.text="a \\"b\\", c=d"', [("message.text", "=", ('a "b", c=d',))]),
        ("model='ViT-B-32::openai'", [("model", "=", ("ViT-B-32::openai",))]),
        ("model=ViT-B-32::openai", [("model", "=", ("ViT-B-32::openai",))]),
        ("url.path=/a?b=c", [("url.path", "=", ("/a?b=c",))]),
        ("error.type=*", [("error.type", "=", ())]),
        ('error.type="*"', [("error.type", "=", ("*",))]),
        ("name~search", [("operation", "~", ("search",))]),
        ("client.region=cl", [("region", "=", ("cl",))]),
        ("x.é=ü", [("x.é", "=", ("ü",))]),
    ],
)
def test_a_filter_is_terms(text: str, expected: list[Any]) -> None:
    """Keys, operators and values; blanks and quotes where one likes."""
    assert terms(text) == expected


def test_a_quoted_key_is_an_attribute() -> None:
    """Also if a field has its name."""
    (term,) = parse('"service"=x')
    assert (term.key, term.quoted) == ("service", True)


@pytest.mark.parametrize(
    ("text", "at", "reason", "hint"),
    [
        ("region=cl servce=x", 10, "there is no field 'servce'.", "Did you mean service?"),
        ("duration>50", 9, "'50' is not a duration.", "duration>50ms"),
        ("duration=fast", 9, "'fast' is not a duration.", "duration=50ms"),
        ("len_docs>=ten", 10, "'ten' is not a number.", "len_docs>=10"),
        ("score.best>nan", 11, "'nan' is not a number.", "score.best>10"),
        ("a=b status=eror", 11, "'eror' is not a value of status.", "Did you mean error?"),
        ("service>a", 0, "service has no order.", "service=a"),
        ("duration~5", 0, "duration is not a text.", "duration>=50ms"),
        ("service=", 8, "service= has no value.", "service=value"),
        ("service= status=error", 8, "service= has no value.", "service=value"),
        ("service", 0, "'service' has no operator and no value.", "service=…"),
        ("region=cl or region=us", 10, "'or' has no operator and no value.", "separated by commas"),
        ("=x", 0, "= has no key before it.", "service=gateway"),
        (",", 0, "',' is not a key.", "service=gateway"),
        ('a="b', 2, 'the quote " is not closed.', 'Add "'),
        ('a=b"c"', 3, "'\"' follows a value.", "Quote"),
        ("len_docs>1,2", 11, "> takes one value.", "len_docs>1"),
        ("error.type~*", 11, "* stands alone, after = or !=.", '"*"'),
        ("a.b=c " * 31, 180, "it has more than 30 terms.", "fewer"),
        ("a" * 2001, 2000, "it is longer than 2000 characters.", "fewer"),
    ],
)
def test_a_mistake_has_a_place_and_a_way_out(text: str, at: int, reason: str, hint: str) -> None:
    """What is wrong, where, and what to write instead."""
    with pytest.raises(FilterError) as caught:
        parse(text)
    assert (caught.value.at, caught.value.reason) == (at, reason)
    assert hint in caught.value.hint


@pytest.fixture(scope="module")
def store() -> Iterator[HandFilledStore]:
    """A failed search of Alice (A), a slow indexing of Bob's (B), and a search with no result (C); two records."""
    store = HandFilledStore()
    store.insert("resources", resource_id=1, service="gateway", attributes='{"service.version": "2.0.0"}')
    store.insert(
        "resources", resource_id=2, service="indexer", attributes='{"service.version": "1.0", "host.name": "h"}'
    )
    alice = {"client.platform": "android", "client.region": "us", "search.operation": "search"}
    bob = {"client.platform": "linux", "client.region": "cl", "search.operation": "index"}
    entry = {"search.entry": True}
    store.span(A, "a1", None, "/search", 0, 40, resource_id=1, attributes={**alice, **entry, "len_docs": 1})
    failed = {**alice, "search.hits": 3, "score": 0.5, "error.type": "StoreError"}
    store.span(
        A, "a2", "a1", "qdrant_search", 2, 9, service="indexer", resource_id=2, status="error", attributes=failed
    )
    store.span(B, "b1", None, "/index", 100, 390, resource_id=1, attributes={**bob, **entry, "len_docs": 512})
    store.span(
        B, "b2", "b1", "qdrant_index", 120, 150, service="indexer", resource_id=2, attributes={**bob, "score": 2}
    )
    store.span(C, "c1", None, "/search", 200, 220, attributes={**entry, "len_docs": 0, "weird": "NaN", "a b": "x, y"})
    for at_ms, number, body, attributes in (
        (0, 9, '"sold out: 3 jackets"', '{"shelf": "left"}'),
        (5, 17, '"No Connection"', '{"error.type": "TimeoutError"}'),
    ):
        store.insert(
            "logs",
            time_unix_ns=START + at_ms * MS,
            severity_number=number,
            body=body,
            service="gateway",
            trace_id=A,
            attributes=attributes,
            resource_id=1,
        )
    yield store
    store.connection.close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "abc"),
        ("service=indexer", "ab"),
        ("service=indexer,nobody", "ab"),
        ("service!=indexer", "c"),
        ("service~index", "ab"),
        ("service!~index", "c"),
        ("service=gateway status=error", ""),  # of one span: the error is the indexer's
        ("service=indexer status=error", "a"),
        ("service=indexer status!=error", "b"),  # no span of the trace has it
        ("service=indexer span.duration>20ms", "b"),
        ("operation=/search", "ac"),
        ("operation~QDRANT", "ab"),
        ("kind=internal", "abc"),
        ("duration>40ms", "b"),
        ("duration>=40ms", "ab"),
        ("duration=40ms", "a"),
        ("duration<=0.04s", "ac"),
        ("duration!=40ms", "bc"),
        ("len_docs>=1 len_docs<512", "a"),
        ("len_docs=0", "c"),
        ("len_docs!=0", "ab"),
        ("hits=3", "a"),
        ("hits=*", "a"),
        ("hits!=*", "bc"),
        ("hits!=3", "bc"),
        ("platform=linux", "b"),
        ("platform!=linux", "ac"),
        ("platform!=*", "c"),
        ("region=cl,us", "ab"),
        ("client.platform=android client.region=us", "a"),
        ("version=2.0.0", "ab"),
        ('version="gateway 2.0.0"', "ab"),
        ('version="gateway 1.0"', ""),
        ("version=0.0", ""),
        ("version~1.", "ab"),
        ("version!=*", "c"),
        ("entry=/search", "ac"),
        ("entry.service=gateway", "abc"),
        ("errors>0", "a"),
        ("spans=1", "c"),
        (f"trace={'a' * 8}", "a"),
        ("error.type=StoreError", "a"),
        ("error.type=*", "a"),
        ("error.type!=*", "bc"),
        ("error.type~store", "a"),
        ("score>0.4", "ab"),
        ("score>=2", "b"),
        ("score<1", "a"),
        ("score=0.5,2", "ab"),
        ("score=2", "b"),
        ("score!=2", "ac"),
        ("weird>0", ""),  # NaN is not above 0
        ("weird<0", ""),
        ('"a b"="x, y"', "c"),
        ("host.name=h", "ab"),
        ('"service"=gateway', ""),  # an attribute, which no span has
        ("search.operation=index", "b"),
        ("outcome=ok", "abc"),
    ],
)
def test_a_filter_matches_these_traces(store: HandFilledStore, text: str, expected: str) -> None:
    """Each field, each operator, attributes of spans and of resources."""
    found = query.traces(store.connection, TraceFilter(where=parse(text)))
    assert sorted(row.trace_id[0] for row in found.rows) == list(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 2),
        ("jackets", 1),
        ("JACKETS sold", 1),
        ('"sold out"', 1),
        ("body=sold", 0),
        ("level=info", 1),
        ("level>=error", 1),
        ("level>info", 1),
        ("level<=info", 1),
        ("level<info", 0),
        ("level!=info", 1),
        ("shelf=left", 1),
        ("shelf!=left", 1),
        ("error.type=*", 1),
        ("service.version=2.0.0", 2),
        ("trace=aaaa", 2),
        ("message~connection", 1),
    ],
)
def test_a_filter_matches_these_records(store: HandFilledStore, text: str, expected: int) -> None:
    """Words are sought in the body."""
    assert len(query.logs(store.connection, LogFilter(where=parse(text, LOGS))).rows) == expected


def test_records_have_a_time(store: HandFilledStore) -> None:
    """From `since` to `until`, each included."""
    for since, until, expected in ((0, 5, 2), (1, 5, 1), (0, 4, 1), (6, 9, 0)):
        wanted = LogFilter(since_ns=START + since * MS, until_ns=START + until * MS)
        assert len(query.logs(store.connection, wanted).rows) == expected


PIECES = st.sampled_from(
    [
        *("service", "duration", "len_docs", "score", "level", "version", "error.type", "trace", "=", "!=", ">", "<="),
        *(
            "~",
            "!~",
            "50ms",
            "10",
            "*",
            ",",
            '"',
            "'",
            "\\",
            " ",
            "a b",
            "é",
            "\0",
            "1e999",
            "-5",
            "/",
            "~0",
            "%",
            "$x",
            "?",
        ),
    ]
)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=60))
def test_any_text_is_a_filter_or_a_mistake(store: HandFilledStore, text: str) -> None:
    """Never another exception, in the parser or in the database; and a place of the mistake in the text."""
    for language in (TRACES, LOGS):
        try:
            where = parse(text, language)
        except FilterError as error:
            mistake = error
        else:
            if language is TRACES:
                query.traces(store.connection, TraceFilter(where=where))
            else:
                query.logs(store.connection, LogFilter(where=where))
            continue
        assert 0 <= mistake.at <= len(text)
        assert mistake.hint


class Words:
    """A vocabulary of our own."""

    def attributes(self) -> Iterable[tuple[str, str]]:
        return [("db.collection.name", "collection"), ("odd key", "attribute")]

    def values(self, key: str) -> Iterable[tuple[str, str]]:
        return [("clip_encoder", "3"), ("gateway", "2"), ("a b", "1")] if key == "service" else []


@pytest.mark.parametrize(
    ("text", "first", "start", "end"),
    [
        ("ser|", "service=", 0, 3),
        ("status=error dur|", "duration>", 13, 16),
        ("len|=3", "len_docs", 0, 3),
        ("coll|", "db.collection.name=", 0, 4),
        ("odd|", '"odd key"=', 0, 3),
        ("service=|", "clip_encoder", 8, 8),
        ("service=g|", "gateway", 8, 9),
        ("service = g|ate x", "gateway", 10, 14),
        ("service=gateway,cl|", "clip_encoder", 16, 18),
        ('service="a|"', '"a b"', 8, 11),
        ("status=|", "unset", 7, 7),
        ("name=gate|", None, 0, 0),
    ],
)
def test_what_may_be_typed_next(text: str, first: str | None, start: int, end: int) -> None:
    """The bar is the cursor; what is typed already is replaced."""
    at = text.index("|")
    found = complete(text.replace("|", ""), at, TRACES, Words()).words
    assert [(c.text, c.start, c.end) for c in found[:1]] == ([] if first is None else [(first, start, end)])


@given(st.lists(PIECES, max_size=12).map("".join), st.integers(0, 80))
def test_every_place_of_any_text_is_somewhere(text: str, at: int) -> None:
    """Also inside of quotes that are not closed."""
    place = place_of(text, at)
    assert 0 <= place.start <= place.end <= len(text)


def test_the_store_knows_words(store: HandFilledStore) -> None:
    """Over the API: whether it is a filter, the mistake, and words of this store."""

    def ask(text: str, **more: str) -> dict[str, Any]:
        return answer(store.connection, "/api/filter", [("text", text), *more.items()])

    assert ask("service=gateway")["ok"] is True
    wrong = ask("region=cl dur>")
    assert wrong["ok"] is False
    assert wrong["error"]["at"] == 14
    assert {c["text"] for c in ask("service=")["completions"]} == {"gateway", "indexer"}
    assert [c["text"] for c in ask("error.type=")["completions"]] == ["StoreError"]
    assert {c["text"] for c in ask("version=")["completions"]} == {'"gateway 2.0.0"', '"indexer 1.0"'}
    assert "host.name=" in [c["text"] for c in ask("host")["completions"]]
    assert [c["text"] for c in ask("shelf=", of="logs")["completions"]] == ["left"]
    assert "shelf=" in [c["text"] for c in ask("she", of="logs")["completions"]]


def test_the_operation_beside_a_filter_may_be_that_of_another_span(store: HandFilledStore) -> None:
    """The entry, and what is looked for below it: the list has what the summary counts."""
    asked = [("operation", "/search"), ("filter", "service=indexer status=error")]
    assert [row["trace_id"] for row in answer(store.connection, "/api/traces", asked)["traces"]] == [A]
    assert (
        answer(store.connection, "/api/summary", [*asked, ("since", "2023-11-14"), ("until", "2023-11-16")])["count"]
        == 1
    )
    same = [("operation", "/search"), ("service", "indexer")]
    assert answer(store.connection, "/api/traces", same)["traces"] == []
    within = [("filter", "operation=/search service=indexer")]
    assert answer(store.connection, "/api/traces", within)["traces"] == []


def test_an_attribute_may_be_called_like_a_field_with_a_mistake() -> None:
    """As far as the store knows one of that name; else the filter is refused, not answered with nothing."""
    store = HandFilledStore()
    store.span(A, "a1", None, "/search", 0, 10, attributes={"rare": "yes"})
    for asked, found in (("rare=yes", [A]), ("rare=nosuch", []), ("rare!=*", [])):
        listed = answer(store.connection, "/api/traces", [("filter", asked)])
        assert [row["trace_id"] for row in listed["traces"]] == found
        assert answer(store.connection, "/api/filter", [("text", asked)])["ok"]
    with pytest.raises(FilterError, match="there is no field 'racer'"):
        answer(store.connection, "/api/traces", [("filter", "racer=yes")])
    with pytest.raises(FilterError, match="there is no field 'rare'"):
        parse("rare=yes")


def test_parameters_and_filter_must_both_hold(store: HandFilledStore) -> None:
    """Over the API."""
    found = answer(store.connection, "/api/traces", [("filter", "duration>1ms"), ("platform", "linux")])
    assert [row["trace_id"] for row in found["traces"]] == [B]
    with pytest.raises(QueryError, match="at character 1"):
        answer(store.connection, "/api/traces", [("filter", "servce=x")])


def test_the_page_names_every_field() -> None:
    """With the same words as the completion; and its mistakes are answered as it says."""
    page = (Path(__file__).parents[2] / "docs/filters.md").read_text()
    tables = [dict(re.findall(r"^\| `([\w.]+)` \| (.+) \|$", part, re.MULTILINE)) for part in page.split("## ")[1:3]]
    for table, language in zip(tables, (TRACES, LOGS), strict=True):
        assert table == {name: field.doc for name, field in language.fields.items()}
    mistakes = re.findall(r"telemetry traces '(.+)'\n(The filter.+)\n(.+)", page)
    assert len(mistakes) == 2
    for text, message, hint in mistakes:
        with pytest.raises(FilterError) as caught:
            parse(text)
        assert (caught.value.message, caught.value.hint) == (message, hint)


def test_no_value_becomes_sql(store: HandFilledStore) -> None:
    """A quote in a value or a key is one of its characters."""
    for term in (Term("service", "=", ("x' OR '1'='1",)), Term("a' OR '1'='1", "=", ("x",)), Term('a"b', ">", ("1",))):
        assert query.traces(store.connection, TraceFilter(where=(term,))).rows == []
