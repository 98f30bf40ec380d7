"""What is told of one span beneath its row: its failure, its main attributes, its links.

In: the JSON of a span. Out: lines of text, not yet cut to a width. State: none.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from collector.local.render_text import Glyphs, clean
from collector.local.render_units import attribute
from telemetry import conventions as c

Json = Mapping[str, Any]

_FIRST = tuple(
    name.name
    for name in (
        c.LEN_DOCS,
        c.MINIBATCH_SIZE,
        c.HAS_TXT_DA,
        c.HAS_IMG_DA,
        c.RUNTIME,
        c.DEVICE,
        c.MODEL,
        c.DB_COLLECTION_NAME,
        c.DB_VECTOR_QUERY_TOP_K,
        c.SEARCH_HITS,
        c.SEARCH_TOP_SCORE,
        c.SEARCH_EXACT,
    )
)
"""Shown first, in this order; then come the attributes that the service's own author chose."""

_TOLD_ELSEWHERE = frozenset(
    {c.ERROR_TYPE.name, c.SEARCH_STAGE.name, c.RPC_RESPONSE_STATUS_CODE.name, *(b.name for b in c.BAGGAGE)}
)
_PLUMBING = (
    "rpc.",
    "server.",
    "client.",
    "network.",
    "net.",
    "thread.",
    "code.",
    "otel.",
    "process.",
    "db.system",
    "db.operation",
)
"""Beginnings of attributes that are the same on every span of their kind, and so tell nothing of this one."""


def attributes(span: Json, encoding: str) -> list[str]:
    """The attributes worth reading, as `key=value`."""
    found: Json = span["attributes"]
    names = [name for name in _FIRST if name in found]
    names += [name for name in found if name not in {*names, *_TOLD_ELSEWHERE} and not name.startswith(_PLUMBING)]
    return [f"{clean(name, encoding)}={clean(attribute(found[name]), encoding)}" for name in names]


def failure(span: Json) -> str:
    """What went wrong in the span itself: its exceptions, else the message of its status, else the error's type."""
    if span["status"] != "error":
        return ""
    exceptions = [event["attributes"] for event in span["events"] if event["name"] == "exception"]
    if exceptions:
        return _join(exceptions[-1].get("exception.type", ""), exceptions[-1].get("exception.message", ""))
    message, kind = str(span["status_message"]), str(span["attributes"].get(c.ERROR_TYPE.name, ""))
    return message if kind in message else _join(kind, message)


def _join(kind: Any, message: Any) -> str:
    return f"{kind}: {message}" if kind and message else str(kind or message)


def failures(spans: Sequence[Json]) -> list[str]:
    """For each span its failure, said once: not where a span within it says the same, or says more."""
    said = [failure(span) for span in spans]
    for position, span in enumerate(spans):
        if said[position]:
            kind = str(span["attributes"].get(c.ERROR_TYPE.name, ""))
            within = _within(spans, position)
            if any(said[inner] and said[position] in {said[inner], kind} for inner in within):
                said[position] = ""
    return said


def rpc_statuses(spans: Sequence[Json]) -> list[str]:
    """For each span the status of its rpc where that is not OK, said once: not where a span within it says the same."""
    name = c.RPC_RESPONSE_STATUS_CODE.name
    codes = [str(span["attributes"].get(name, "OK")) for span in spans]
    return [
        "" if code == "OK" or any(codes[inner] == code for inner in _within(spans, position)) else f"{name}={code}"
        for position, code in enumerate(codes)
    ]


def _within(spans: Sequence[Json], position: int) -> range:
    end = position + 1
    while end < len(spans) and spans[end]["depth"] > spans[position]["depth"]:
        end += 1
    return range(position + 1, end)


def links(span: Json, glyphs: Glyphs, encoding: str) -> str:
    """The traces that the span links to, by the beginning of their ids."""
    ids = list(dict.fromkeys(clean(link["trace_id"][:8], encoding) for link in span["links"]))
    more = f" and {len(ids) - 3} more" if len(ids) > 3 else ""
    return f"linked to trace {', '.join(i + glyphs.ellipsis for i in ids[:3])}{more}" if ids else ""
