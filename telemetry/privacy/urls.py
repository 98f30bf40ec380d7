"""Hides the user, the query's values and the fragment of URLs in attributes; names of parameters stay.

Other instrumentations record such attributes, and the query of a URL often holds what a user searched for.
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
"""The name that log messages are scrubbed under; no rule for names matches it."""

_TEXTS: Final = frozenset({"exception", "exception.message", "exception.stacktrace", LOGGED})
_METHODS: Final = "GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS"
_IN_MESSAGE: Final = re.compile(rf"""(?i)(\b(?=https?://)|\bwith url: (?=/)|\b(?:{_METHODS}) (?=/))([^\s"'<>]+)""")
_SEPARATOR: Final = re.compile("([&;])")
_PORT: Final = re.compile(r"[0-9]{0,5}")


Hide = Callable[[str], str]


def without_contents(name: str, value: Any) -> Any:
    """Return `value` as it is recorded when contents are not: the parts of a URL are hidden, other values stay."""
    hide = hiding_of(name)
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
def hiding_of(name: str) -> Hide | None:
    """Return the function that hides an attribute of this name; None if it is neither a URL nor a part of one."""
    if name in _TEXTS:
        return _message
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


def _message(text: str) -> str:
    """Hide the contents of URLs inside an error message or a log message."""
    return _IN_MESSAGE.sub(lambda match: match[1] + _url(match[2]), text) if "?" in text or "@" in text else text


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
    """Hide user and password; also a host with an invalid port, where a password contains a `?` or `#`."""
    scheme, mark, rest = path.partition("://")
    if not mark:
        scheme, mark, rest = ("", "//", path[2:]) if path.startswith("//") else ("", "", path)
    host, slash, path = rest.partition("/")
    user, at, host = host.rpartition("@")
    if at:
        user = USER
    elif mark and ":" in host and not host.startswith("[") and not _PORT.fullmatch(host.rpartition(":")[2]):
        host = USER
    return f"{scheme}{mark}{user}{at}{host}{slash}{path}"


_WHOLE: Final = frozenset({_value, _query})
"""Functions that hide other values than texts as well, such as parameters in a mapping."""
