"""Hides what URLs say beyond where they lead.

In: the name of an attribute and its value. Out: the same where the name is not that of a URL; else the value with
markers for the values of its query, its fragment and its user; names of parameters stay. State: none.

Instrumentations of others fill such attributes by themselves, and what was searched for stands in the query.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from telemetry.privacy.keys import words_of
from telemetry.privacy.rules import looks_random, marker

QUERY: Final = marker("query")
FRAGMENT: Final = marker("fragment")
USER: Final = marker("credentials")

_URLS: Final = frozenset({"url", "urls", "uri", "uris", "href", "referer", "referrer"})
_PARTS: Final = frozenset({"full", "original", "target", "path", "raw", "location", "link", "refresh"})
_OF_REQUESTS: Final = frozenset({"url", "uri", "http", "https", "request", "header", "headers", "asgi", "wsgi"})
_QUERIES: Final = frozenset({"query", "querystring", "params", "parameters"})
_NAME: Final = re.compile(r"(?:[A-Za-z_]|%5[BbDd])(?:[A-Za-z0-9_.:$\[\]-]|%5[BbDd]){0,63}")
LOGGED: Final = "."
"""Stands for the name of what a program logs, which has none: no rule that goes by the words of a name knows it."""

_TEXTS: Final = frozenset({"exception", "exception.message", "exception.stacktrace", LOGGED})
_METHODS: Final = "GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS"
_IN_WORDS: Final = re.compile(rf"""(?i)(\b(?=https?://)|\bwith url: (?=/)|\b(?:{_METHODS}) (?=/))([^\s"'<>]+)""")
_SEPARATOR: Final = re.compile("([&;])")
_PORT: Final = re.compile(r"[0-9]{0,5}")


Hide = Callable[[str], str]


def without_contents(name: str, value: Any) -> Any:
    """Return `value` as it may be recorded where contents are not."""
    hide = _how(name)
    return value if hide is None else _applied(hide, value)


def _applied(hide: Hide, value: Any) -> Any:
    if isinstance(value, str):
        return hide(value) if value else value
    if isinstance(value, bytes):
        return hide(value.decode("latin-1")).encode("latin-1", "replace") if value else value
    if isinstance(value, list | tuple):
        return [_applied(hide, item) for item in value]
    if hide in _WHOLE and isinstance(value, Mapping | int) and not isinstance(value, bool):
        return QUERY
    return value


@lru_cache(4096)
def _how(name: str) -> Hide | None:
    """Return how to hide what an attribute of this name holds; None where it is not a URL, nor a part of one."""
    if name in _TEXTS:
        return _words
    words = words_of(name)
    if not words:
        return None
    *before, last = words
    of_request = not _OF_REQUESTS.isdisjoint(before)
    if "query" in before and of_request and before.index("query") > 0 and last != "string":
        return _value if last not in _QUERIES else _query
    if (last in _QUERIES and of_request) or words[-2:] == ("query", "string"):
        return _query
    if last == "fragment" and of_request:
        return _fragment
    return _url if last in _URLS or (last in _PARTS and of_request) else None


def _words(words: str) -> str:
    """Hide the same in the URLs of an error's words, or of a log's: clients and servers write there what was asked."""
    return _IN_WORDS.sub(lambda match: match[1] + _url(match[2]), words) if "?" in words or "@" in words else words


def _value(_: str) -> str:
    return QUERY


def _fragment(_: str) -> str:
    return FRAGMENT


def _url(url: str) -> str:
    rest, hash_, fragment = url.partition("#")
    path, mark, query = rest.partition("?")
    return _without_user(path) + mark + _query(query) + hash_ + (FRAGMENT if fragment else "")


def _query(query: str) -> str:
    return "".join(part if part in "&;" else _parameter(part) for part in _SEPARATOR.split(query))


def _parameter(part: str) -> str:
    start = "?" if part.startswith("?") else ""
    name, equals, value = part.removeprefix("?").partition("=")
    if not equals:
        return start + QUERY if name else part
    padding = not value.strip("=") and looks_random(name)  # of a token: it is not a name
    return f"{start}{QUERY if padding or not _NAME.fullmatch(name) else name}={QUERY if value else ''}"


def _without_user(path: str) -> str:
    """Hide what stands before the host; and a host whose port is not one: the password holds a `?` or `#`."""
    scheme, mark, rest = path.partition("://")
    if not mark:
        scheme, mark, rest = ("", "//", path[2:]) if path.startswith("//") else ("", "", path)
    host, slash, way = rest.partition("/")
    user, at, host = host.rpartition("@")
    if at:
        user = USER
    elif mark and ":" in host and not host.startswith("[") and not _PORT.fullmatch(host.rpartition(":")[2]):
        host = USER
    return f"{scheme}{mark}{user}{at}{host}{slash}{way}"


_WHOLE: Final = frozenset({_value, _query})
"""What is hidden altogether where it is not a text: parameters as a mapping, a number."""
