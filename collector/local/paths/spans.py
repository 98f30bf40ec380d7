"""Spans for the analysis, from the rows of an export."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import cast

import orjson

from collector.analysis.seen import Seen, seen_of
from collector.local.decode.decoded import Decoded
from collector.local.store.rows import SpanRow
from collector.local.store.schema import SPANS
from telemetry.conventions import SCOPE


def spans_of(decoded: Decoded) -> Mapping[str, Sequence[Seen]]:
    """The spans of one export, by trace."""
    ours = {identifier for identifier, row in decoded.scopes.items() if row[1] == SCOPE}
    found: dict[str, list[Seen]] = defaultdict(list)
    for row in cast("Sequence[SpanRow]", decoded.rows.get(SPANS.name, ())):
        is_stage = row.kind == "internal" and row.parent_span_id is not None and not row.name.startswith("/")
        attributes = {} if is_stage else orjson.loads(row.attributes)
        found[row.trace_id].append(seen_of(row, row.scope_id in ours, attributes))
    return found
