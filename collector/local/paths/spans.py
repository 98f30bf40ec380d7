"""Spans for the analysis, from the rows of an export."""

from collections.abc import Mapping, Sequence

import orjson

from collector.analysis.seen import Seen, seen_of
from collector.local.decode.decoded import Decoded
from collector.local.store.schema import SPANS


def spans_of(decoded: Decoded) -> Mapping[str, Sequence[Seen]]:
    """The spans of one export, by trace."""
    names = {identifier: str(row[1]) for identifier, row in decoded.scopes.items()}
    found: dict[str, list[Seen]] = {}
    for row in decoded.rows.get(SPANS.name, ()):
        seen = seen_of(row, names.get(row.scope_id, ""), orjson.loads(row.attributes))  # type: ignore[attr-defined]
        found.setdefault(row[0], []).append(seen)
    return found
