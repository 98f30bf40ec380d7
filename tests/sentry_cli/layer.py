"""What the Collector's layer for Sentry does to a span: its statements, read from the file that ships, and run.

In: a span of the local collector's API. Out: the span's attributes as Sentry gets them, and its name. The statements
are of the Collector's language OTTL; those of the layer are expressions of Python, too, once a few names are given.
"""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

LAYER = Path(__file__).parents[2] / "collector/otelcol/sentry.yaml"
STATEMENT = re.compile(r'set\(span\.(?:name|attributes\["(?P<key>[^"]+)"\]), (?P<value>.+)\) where (?P<condition>.+)')


class Attributes(dict[str, Any]):
    """An attribute that is not there is nil."""

    def __missing__(self, key: str) -> None:
        return None


def _read() -> list[tuple[str | None, Any, Any]]:
    statements = yaml.safe_load(LAYER.read_text())["processors"]["transform/sentry"]["trace_statements"]
    found = [STATEMENT.fullmatch(statement) for statement in statements]
    assert all(found), f"not of the known form: {statements[found.index(None)]}"
    return [(m["key"], compile(m["value"], LAYER, "eval"), compile(m["condition"], LAYER, "eval")) for m in found if m]


STATEMENTS = _read()
LANGUAGE = {
    "nil": None,
    "SPAN_KIND_SERVER": "server",
    "SPAN_KIND_CLIENT": "client",
    "HasPrefix": str.startswith,
    "Concat": lambda parts, between: between.join(str(part) for part in parts),
}


def through_layer(sent: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The name and the attributes of a span, as Sentry gets them."""
    span = SimpleNamespace(name=sent["name"], kind=sent["kind"], attributes=Attributes(sent["attributes"]))
    resource = SimpleNamespace(attributes=Attributes(sent["resource"]))
    names = {**LANGUAGE, "span": span, "resource": resource, "scope": SimpleNamespace(name=sent["scope"])}
    for key, value, condition in STATEMENTS:
        if eval(condition, names):
            made = eval(value, names)
            if key:
                span.attributes[key] = made
            else:
                span.name = made
    return span.name, dict(span.attributes)
