"""Finds in which segments of spans an attribute may be, without reading the spans.

A segment is some 15,000 spans that arrived one after the other; each full one has a filter of its attributes. The last
segment is not full, and has none yet.
"""

from collections.abc import Sequence

from duckdb import DuckDBPyConnection

from collector.local.store.spans.facts import hash_of
from collector.local.store.spans.filters import may_have, slice_of

_FILTERS = "SELECT segment_no, bits FROM attribute_filters WHERE slice = ? ORDER BY segment_no"
_OPEN = "SELECT DISTINCT segment_no FROM span_facts WHERE segment_no > ? ORDER BY segment_no"


def segments_with(connection: DuckDBPyConnection, key: str, text: str) -> Sequence[int]:
    """The segments that may have a span with this attribute; one in fifty of the others is among them.

    An attribute whose value is a number that is not whole is in no filter: for such a text, all segments are returned.

    Args:
        connection: to the store.
        key: of the attribute.
        text: of its value: `true`, `12`, `pamazon`.
    """
    wanted = hash_of(key, text)
    rows = connection.execute(_FILTERS, [slice_of(wanted)]).fetchall()
    has = [True] * len(rows) if _is_fraction(text) else may_have((bits for _, bits in rows), wanted)
    found = [int(number) for (number, _), may in zip(rows, has, strict=True) if may]
    last = int(rows[-1][0]) if rows else -1
    return found + [int(number) for (number,) in connection.execute(_OPEN, [last]).fetchall()]


def has_value(connection: DuckDBPyConnection, key: str, text: str) -> bool:
    """Whether a span of a full segment may have this attribute: no more is known without reading them."""
    wanted = hash_of(key, text)
    rows = connection.execute(_FILTERS, [slice_of(wanted)]).fetchall()
    return any(may_have((bits for _, bits in rows), wanted))


def _is_fraction(text: str) -> bool:
    try:
        return not float(text).is_integer()
    except (ValueError, OverflowError):  # a text, or infinity
        return False
