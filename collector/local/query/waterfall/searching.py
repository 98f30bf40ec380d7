"""Finds a text in the spans of one trace: names, services, attributes, events, log records, errors, ids."""

from typing import Final

import numpy as np
import orjson
from duckdb import DuckDBPyConnection

from collector.local.errors import QueryError
from collector.local.query.waterfall.shape import Places, Shape

LONGEST: Final = 200

# Attributes are JSON text: what is looked for in them is escaped as it is there.
_FOUND = """
SELECT span_id FROM spans WHERE trace_no = $no AND (
    contains(lower(name), $text) OR contains(lower(service), $text) OR starts_with(span_id, $text)
    OR contains(lower(status_message), $text) OR contains(lower(attributes), $json))
UNION SELECT span_id FROM span_events WHERE trace_no = $no
    AND (contains(lower(name), $text) OR contains(lower(attributes), $json))
UNION SELECT span_id FROM logs WHERE trace_id = $id AND contains(lower(body), $json)
"""


def search(connection: DuckDBPyConnection, shape: Shape, text: str | None) -> Places:
    """The places of spans in which the text is, ascending. Case does not matter.

    Args:
        connection: to the store.
        shape: of the trace.
        text: what is looked for; None or blank finds nothing.

    Raises:
        QueryError: the text is too long.
    """
    text = (text or "").strip().lower()
    if not text:
        return np.empty(0, np.int32)
    if len(text) > LONGEST:
        message = f"search must be at most {LONGEST} characters, got {len(text)}."
        raise QueryError("bad_request", message, "Look for a shorter text.")
    try:
        escaped = orjson.dumps(text).decode()[1:-1]
    except orjson.JSONEncodeError as error:  # half of a character
        message = "search is not a text of whole characters."
        raise QueryError("bad_request", message, "Correct it, or leave it out.") from error
    parameters = {"id": shape.trace_id, "no": shape.number, "text": text, "json": escaped}
    found = connection.execute(_FOUND, parameters).fetchall()
    ids = np.array([span_id.encode("ascii", "ignore") for (span_id,) in found if span_id], dtype="S16")
    return np.flatnonzero(np.isin(shape.ids, ids)).astype(np.int32)
