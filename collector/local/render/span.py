"""The lines below a span's row: its failure, its main attributes, its links."""

from collections.abc import Mapping, Sequence
from typing import Any

from collector.local.render.text import Glyphs, clean
from collector.local.render.units import attribute, seconds
from telemetry import conventions as c

Json = Mapping[str, Any]
_QUOTED = 12
"""A shorter message may be part of another one by coincidence."""

_FIRST = tuple(
    name.name
    for name in (
        c.SEARCH_TRANSIT_DURATION,
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
        c.SEARCH_BATCH_REQUESTS,
        c.SEARCH_BATCH_QUEUE_WAIT,
        c.SEARCH_BATCH_SHARE,
    )
)
"""Shown first, in this order; then the service's own attributes."""

_SECONDS = frozenset(name.name for name in (c.SEARCH_TRANSIT_DURATION, c.SEARCH_BATCH_QUEUE_WAIT, c.SEARCH_BATCH_SHARE))
_SHOWN_ELSEWHERE = frozenset({c.ERROR_TYPE.name, c.RPC_RESPONSE_STATUS_CODE.name, *(b.name for b in c.BAGGAGE)})
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
"""Prefixes of attributes that are the same on every span of their kind."""


def attributes(span: Json, glyphs: Glyphs, encoding: str, *, blamed: bool) -> list[str]:
    """The interesting attributes, as `key=value`; for the cause of a failure also the server that it called."""
    found: Json = span["attributes"]
    names = [name for name in _FIRST if name in found]
    names += [name for name in found if name not in {*names, *_SHOWN_ELSEWHERE} and not name.startswith(_PLUMBING)]
    if blamed:
        names += [name for name in (c.SERVER_ADDRESS.name, c.SERVER_PORT.name) if name in found]
    return [f"{clean(name, encoding)}={clean(_value(name, found[name], glyphs), encoding)}" for name in names]


def _value(name: str, value: Any, glyphs: Glyphs) -> str:
    if name in _SECONDS and isinstance(value, int | float):
        return seconds(value, glyphs.micro).replace(" ", "")
    return attribute(value)


def unfinished(span: Json) -> str:
    """Why the span has no duration; empty if it has one."""
    reasons = ["start is not known"] * (not span["start_unix_ns"]) + ["has not ended"] * (not span["end_unix_ns"])
    if reasons:
        return ", ".join(reasons)
    return "ends before it begins" if span["end_unix_ns"] < span["start_unix_ns"] else ""


def failure(span: Json) -> tuple[str, str]:
    """The failure of the span itself, as type and message: its last exception, else its status.

    Either may be empty; both are if the span is not an error.
    """
    if span["status"] != "error":
        return "", ""
    exceptions = [event["attributes"] for event in span["events"] if event["name"] == "exception"]
    if exceptions:
        return str(exceptions[-1].get("exception.type", "")), str(exceptions[-1].get("exception.message", ""))
    return str(span["attributes"].get(c.ERROR_TYPE.name, "")), str(span["status_message"])


def failures(spans: Sequence[Json]) -> list[str]:
    """The failure of each span, once: empty if a span below it has the same one, or its message is part of it."""
    found = [failure(span) for span in spans]
    texts = []
    for position, (kind, message) in enumerate(found):
        text = message if kind in message else ": ".join(part for part in (kind, message) if part)
        within = [found[inner] for inner in _within(spans, position) if any(found[inner])]
        status = spans[position]["attributes"].get(c.RPC_RESPONSE_STATUS_CODE.name)
        texts.append("" if any(_is_same(inner, kind, message, status) for inner in within) else text)
    return texts


def _is_same(inner: tuple[str, str], kind: str, message: str, rpc_status: str | None) -> bool:
    inner_kind, inner_message = inner
    if not message:
        return kind in {inner_kind, rpc_status}
    quoted = len(inner_message) >= _QUOTED and inner_message in message
    return quoted or message in {inner_message, f"{inner_kind}: {inner_message}"}


def rpc_statuses(spans: Sequence[Json]) -> list[str]:
    """The status of each span's rpc if it is not OK, once: empty if a span below it has the same."""
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
    """The traces that the span links to: the id of a single one, the beginnings of several.

    With the number of those that are not stored: a sampler may have dropped them.
    """
    stored = {clean(link["trace_id"], encoding): link["stored"] for link in span["links"]}
    found, missing = list(stored), len(stored) - sum(stored.values())
    if len(found) == 1:
        return f"linked to trace {found[0]}{' (not stored)' * missing}"
    ids = [trace_id[:8] for trace_id in found]
    more = f" and {len(ids) - 3} more" if len(ids) > 3 else ""
    lost = f" ({'none' if missing == len(ids) else f'{missing} of them not'} stored)" if missing else ""
    return f"linked to trace {', '.join(i + glyphs.ellipsis for i in ids[:3])}{more}{lost}" if ids else ""
