"""Traces drawn by hand, as the analyses see them: a span is a row of a few values."""

from collections.abc import Mapping

from hypothesis import strategies as st

from collector.analysis.seen import Seen

Row = tuple[str, str | None, str, int, int]
"""Name, its parent's name, kind, start, end: names are ids, too. Kinds may be short: c, s, i."""
KINDS = {"c": "client", "s": "server", "i": "internal", "p": "producer"}
BEGIN = 1
"""Added to all times, so that 0 is a time."""


def span(row: Row, names: Mapping[str, str], **others: object) -> Seen:
    """A span of ours, of the operation `search`; one of another library if its id begins with `x`."""
    span_id, parent, kind, start, end = row
    plain = Seen(
        span_id,
        parent,
        start + BEGIN,
        end + BEGIN,
        KINDS[kind],
        names.get(span_id, span_id),
        ours=not span_id.startswith("x"),
        is_rpc=kind in "cs",
        operation="search",
    )
    return plain._replace(**others)  # type: ignore[arg-type]


def spans(*rows: Row, names: Mapping[str, str] | None = None, **others: object) -> list[Seen]:
    """The spans of one trace; `names` by id, where they differ."""
    return [span(row, names or {}, **others) for row in rows]


SEARCH: tuple[Row, ...] = (
    ("root", None, "c", 0, 100),
    ("gateway", "root", "s", 5, 95),
    ("/search", "gateway", "i", 10, 90),
    ("call", "/search", "c", 15, 55),
    ("encoder", "call", "s", 20, 50),
    ("encode", "encoder", "i", 22, 48),
    ("qdrant_search", "/search", "i", 60, 80),
)
"""A request that is easy to check by hand."""

IDS = st.sampled_from("abcdefghij")
ANY_ROWS = st.lists(
    st.tuples(IDS, st.none() | IDS | st.just("gone"), st.sampled_from("csi"), st.integers(-1, 50), st.integers(-1, 50)),
    min_size=1,
    max_size=25,
)
"""Traces of any shape: missing parents, doubled ids, cycles, times that make no sense."""
