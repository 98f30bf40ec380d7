"""Spans for the analysis, from the rows of an export."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, cast

import orjson

from collector.analysis.seen import Seen, is_unanswered
from collector.local.decode.decoded import Decoded
from collector.local.store.rows import SpanRow
from collector.local.store.schema import SPANS
from collector.local.store.spans.arriving import find_facts
from telemetry.conventions import SCOPE

_OF_A_STAGE = (False, False, None, None, None)
"""What `Seen` has of a stage beside its times and names: a span above it has the same of the request."""
_UNAVAILABLE = '"UNAVAILABLE"'


def spans_of(decoded: Decoded) -> Mapping[str, Sequence[Seen]]:
    """The spans of one export, by trace."""
    ours = {identifier for identifier, row in decoded.scopes.items() if row[1] == SCOPE}
    found: dict[str, list[Seen]] = defaultdict(list)
    rows = cast("Sequence[SpanRow]", decoded.rows.get(SPANS.name, ()))
    facts = decoded.facts or find_facts(decoded)
    for row, fact in zip(rows, facts.each, strict=True):
        (trace_id, span_id, parent, name, kind, _, start, end, _, _, attributes, _, _, _, _, _, _, scope) = row
        about: tuple[Any, ...] = _OF_A_STAGE
        if kind != "internal" or parent is None or name.startswith("/"):
            operation, platform, region, _ = fact.who
            unanswered = _UNAVAILABLE in attributes and is_unanswered(orjson.loads(attributes))
            about = (fact.operation[4], unanswered, operation, platform, region)
        # by position: most of the time would be the names
        found[trace_id].append(tuple.__new__(Seen, (span_id, parent, start, end, kind, name, scope in ours, *about)))
    return found
