"""Checks that return the value of a setting from the text of a variable, or from an argument of `configure`.

A check raises a `ValueError` whose text completes the sentence "VARIABLE=value …": what is wrong; what to write.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from telemetry.config.standard import grpc_name
from telemetry.errors import nearest

Check = Callable[[Any], Any]
Pairs = tuple[tuple[str, str], ...]
LONGEST_NAME = 128  # characters
_LONGEST_TIMEOUT = 3600.0  # seconds: a bounded queue cannot wait without a limit, which 0 means by the specification
_LONGEST_INTERVAL = 1e6  # seconds, eleven days: threads cannot wait for ever


def text(raw: object) -> str:
    """Accept any string."""
    if not isinstance(raw, str):
        raise ValueError(f"is {type(raw).__name__}, not a string; write it in quotes")
    return raw.strip()


def boolean(raw: object) -> bool:
    """Accept true or false."""
    known = {"true": True, "1": True, "false": False, "0": False}
    written = str(raw).strip().lower()
    value = known.get(written)
    if value is None:
        advice = "false" if written in {"no", "off", "n"} else closest(written, ("true", "false"))
        raise ValueError(f"is neither true nor false; write {advice}")
    return value


def closest(written: str, choices: Sequence[str]) -> str:
    """Return the choice that is most similar to `written`; the first if none is similar."""
    return next(iter(nearest(written, choices, 1)), choices[0])


def one_of(*choices: str) -> Check:
    """Accept one of some words."""

    def check(raw: object) -> str:
        value = text(raw).lower()
        if value not in choices:
            raise ValueError(f"is not one of {', '.join(choices)}; write {closest(value, choices)}")
        return value

    return check


def words(raw: object) -> tuple[str, ...]:
    """Accept words, as a list or separated by commas; `none` means no word."""
    parts = raw.split(",") if isinstance(raw, str) else raw
    if not isinstance(parts, Sequence) or not all(isinstance(part, str) for part in parts):
        raise ValueError("is not a list of words; separate them with commas")
    values = tuple(dict.fromkeys(part.strip().lower() for part in parts if part.strip()))
    return () if "none" in values else values


def names(raw: object) -> tuple[str, ...]:
    """Accept names, case preserved, as a list or separated by commas."""
    parts = raw.split(",") if isinstance(raw, str) else raw
    if not isinstance(parts, Sequence) or not all(isinstance(part, str) for part in parts):
        raise ValueError("is not a list of names; separate them with commas")
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def some_of(*choices: str) -> Check:
    """Accept some of these words; `none` means no word."""

    def check(raw: object) -> tuple[str, ...]:
        values = words(raw)
        wrong = [value for value in values if value not in choices]
        if wrong:
            raise ValueError(
                f"has {wrong[0]!r}, which is not one of {', '.join((*choices, 'none'))}; "
                f"write {closest(wrong[0], (*choices, 'none'))}"
            )
        return values

    return check


def number(low: float, high: float, example: str) -> Check:
    """Accept a number from `low` to `high`."""

    def check(raw: object) -> float:
        value = _number(raw)
        if value is None or not low <= value <= high:
            limits = f"a number from {low:g} to {high:g}" if high < math.inf else f"a number of at least {low:g}"
            raise ValueError(f"is not {limits}; write {example}")
        return value

    return check


def integer(low: int, example: int) -> Check:
    """Accept a whole number of at least `low`."""

    def check(raw: object) -> int:
        value = _number(raw)
        if value is None or value != int(value) or value < low:
            raise ValueError(f"is not a whole number of at least {low}; write {example}")
        return int(value)

    return check


def port(raw: object) -> int:
    """Accept a port, 0 for any free one."""
    value = _number(raw)
    if value is None or value != int(value) or not 0 <= value <= 65535:
        raise ValueError("is not a port from 0 to 65535; write 9464")
    return int(value)


def registry(raw: object) -> object:
    """Accept a `CollectorRegistry` of prometheus_client, without importing that."""
    if not callable(getattr(raw, "register", None)) or not callable(getattr(raw, "collect", None)):
        raise ValueError("is not a CollectorRegistry; write prometheus_client.REGISTRY")
    return raw


def milliseconds(low: int, example: int) -> Check:
    """Accept a duration, in milliseconds from a variable and in seconds from an argument; return seconds."""
    check = integer(low, example)

    def seconds(raw: object) -> float:
        value = float(check(raw)) / 1000 if isinstance(raw, str) else _seconds(raw, low / 1000)
        return min(value, _LONGEST_INTERVAL)

    return seconds


def export_timeout(raw: object) -> float:
    """Accept the timeout of one export; return seconds.

    `OTEL_EXPORTER_OTLP_TIMEOUT` is in milliseconds by the specification, and in seconds for OpenTelemetry's exporters
    for Python. Below 100 it is taken as seconds: 30 ms or 3 hours are never meant. 0, no limit, is taken as an hour.
    """
    if not isinstance(raw, str):
        return min(_seconds(raw, 0.001), _LONGEST_TIMEOUT)
    value = _number(raw)
    if value is None or value < 0:
        raise ValueError("is not a number of at least 0; write 10000 for ten seconds")
    return min(value if value < 100 else value / 1000, _LONGEST_TIMEOUT) or _LONGEST_TIMEOUT


def pairs(raw: object) -> Pairs:
    """Accept `name=value,name=value`, percent-encoded as W3C baggage is, or a mapping."""
    if isinstance(raw, Mapping):
        return tuple((str(name), str(value)) for name, value in raw.items())
    items = [item for item in text(raw).split(",") if item.strip()]
    split = [item.partition("=") for item in items]
    if any(not separator or not name.strip() for name, separator, _ in split):
        raise ValueError("is not a list of name=value; write name=value,other=value")
    return tuple((unquote(name.strip()), unquote(value.strip())) for name, _, value in split)


def headers(raw: object) -> Pairs:
    """Accept `pairs` whose names are HTTP header names; return them in lower case, which gRPC requires."""
    named = tuple((name.lower(), value) for name, value in pairs(raw))
    if any(not re.fullmatch(r"[a-z0-9!#$%&'*+.^_`|~-]+", name) for name, _ in named):
        raise ValueError("has a name that is not valid for a header; write authorization=Bearer%20TOKEN")
    if any(not value.isprintable() for _, value in named):
        raise ValueError("has a line break or control character in a value; write it in one line")
    return named


def address(raw: object) -> str:
    """Accept `http://host:port`, `https://…`, `host:port`, or one of gRPC's address forms, which is translated."""
    value = text(raw)
    hint = "write http://localhost:4317"
    if re.match(r"unix(-abstract)?:/*[^/]", value):
        return value
    value = grpc_name(value)
    parts = urlsplit(value if "://" in value else f"//{value}")
    if parts.scheme not in {"", "http", "https"}:
        raise ValueError(f"has the scheme {parts.scheme!r}, which is neither http nor https; {hint}")
    try:
        has_port = parts.port is not None or parts.scheme != ""
    except ValueError:
        raise ValueError(f"has a port that is not a number up to 65535; {hint}") from None
    if not parts.hostname or not has_port:
        raise ValueError(f"has no host or no port; {hint}")
    return value


def file(raw: object) -> Path:
    """Accept the path of a readable file."""
    path = Path(str(raw)).expanduser()
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror}); write the path of a PEM file") from None


def redacted(value: object, *, secret: bool) -> str:
    """Return `value` for an error message: secrets and passwords hidden, long texts cut."""
    if secret:
        return "***"
    plain = re.sub(r"//[^/@]*@", "//***@", repr(value))
    return plain if len(plain) <= 100 else f"{plain[:99]}…"


def _seconds(raw: object, low: float) -> float:
    value = _number(raw)
    if value is None or value < low:
        raise ValueError(f"is not a number of seconds of at least {low:g}; write 5.0")
    return value


def _number(raw: object) -> float | None:
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        return None
    try:
        value = float(raw)
    except (ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None
