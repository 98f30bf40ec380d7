"""Links from a series, a row or a bucket: to its traces, its logs, another board, Sentry, the desk.

In: the labels of what is pointed at. Out: `Link`s, which carry those labels, the chosen flow and the time that the
board shows. State: none. Addresses of other products are texts above each board (`dashboards.variables.ADDRESSES`).
"""

import json
import re
from collections.abc import Mapping
from urllib.parse import quote

from dashboards.model import Link, OnDesk
from dashboards.promql import label
from telemetry import conventions as c

Tags = Mapping[c.Attribute | str, str]
"""From attribute to its value, which may be `of(attribute)`."""

_PLACE = re.compile(r"(\$\{[^}]+\})")
_OF_DESK: Mapping[c.Attribute | str, str] = {
    c.CLIENT_PLATFORM: "platform", c.CLIENT_REGION: "region", c.SERVICE_VERSION: "version", c.SERVICE_NAME: "service",
}  # fmt: skip
"""What the desk's address has a parameter for; all else is a term of its filter."""


def of(attribute: c.Attribute | str) -> str:
    """Return the place of a label's value of the series that is pointed at."""
    return f"${{__field.labels.{label(attribute)}}}"


def traces(
    tags: Tags, *, service: str = "${entry}", operation: str = "", title: str = "Traces in Jaeger"
) -> Link:  # fmt: skip
    """Return a link to Jaeger's search for traces with a span that has the tags, and the name `operation` if given.

    `service` is where they are looked for.
    """
    wanted = json.dumps({_name(key): value for key, value in tags.items()}, separators=(",", ":"))
    window = "start=${__from}000&end=${__to}000&lookback=custom"  # microseconds
    named = f"&operation={operation}" if operation else ""
    url = f"${{jaeger}}/search?service={service}{named}&tags={_quoted(wanted)}&limit=20&{window}"
    where: Tags = {**tags, **({c.SERVICE_NAME: service} if service != "${entry}" else {})}
    return Link(title, url, desk=_on_desk("/traces", where, operation))


def logs(*, service: str = "${service:regex}", match: str = "", title: str = "Logs") -> Link:
    """Return a link to the logs of services in Grafana's Explore; `match` is the rest of a query in LogQL."""
    expr = f'{{service_namespace=~"${{namespace:regex}}", service_name=~"{service}"}} {match}'.rstrip()
    pane = {
        "datasource": "loki",
        "queries": [{"refId": "A", "datasource": {"type": "loki", "uid": "loki"}, "expr": expr}],
        "range": {"from": "${__from}", "to": "${__to}"},
    }
    where: Tags = {
        **({c.SERVICE_NAME: service} if service.startswith("${__field") else {}),
        **({"level": "error"} if "ERROR" in match else {}),
    }
    url = f"/explore?schemaVersion=1&panes={_quoted(json.dumps({'a': pane}, separators=(',', ':')))}"
    return Link(title, url, desk=_on_desk("/logs", where))


def board(uid: str, title: str, *, keep: tuple[str, ...] = (), **chosen: str) -> Link:
    """Return a link to another board, with the chosen flow and time; `chosen` is the value of other variables there.

    Those may be `namespace`, `service` and `version` too, which are then not the ones chosen here. `keep` names more
    variables that stay as they are chosen here: both boards have them.
    """
    always = ("namespace", "service", "version")
    kept = [f"${{{name}:queryparam}}" for name in (*always, *keep) if name not in chosen]
    others = [f"var-{name}={value}" for name, value in chosen.items()]
    url = f"/d/{uid}?{'&'.join(['${__url_time_range}', *kept, *others])}"
    there = tuple((name if name in _OF_DESK.values() else f"var-{name}", value) for name, value in chosen.items())
    return Link(title, url, new_tab=False, desk=OnDesk(f"/dashboard/{uid}", there))


def with_desk(links: tuple[Link, ...]) -> tuple[Link, ...]:
    """Return a panel's links for another product: behind the first one to traces, the same on the desk."""
    for number, each in enumerate(links, start=1):
        if each.desk is not None and each.desk.path == "/traces":
            chosen = "".join(f"&{name}={_quoted(value)}" for name, value in each.desk.query)
            url = f"${{desk}}{each.desk.path}?since=${{__from:date:iso}}&until=${{__to:date:iso}}{chosen}"
            return (*links[:number], Link(each.title.replace("in Jaeger", "on the desk"), url), *links[number:])
    return links


def sentry(query: Tags, *, title: str = "Traces in Sentry, if $sentry is set") -> Link:
    """Return a link to the search for traces in Sentry.

    `$sentry` is the address of that page. Where it is empty, what is left of the link stays on this board.
    """
    words = " ".join(f"{in_sentry(key)}:{value}" for key, value in query.items())
    window = "start=${__from:date:iso}&end=${__to:date:iso}&utc=true"
    return Link(title, f"${{sentry}}?query={_quoted(words)}&{window}")


def in_sentry(attribute: c.Attribute | str) -> str:
    """Return an attribute's name in Sentry's search; what is a name there already stays as it is.

    A number or a boolean is written with its type, since by its bare name Sentry looks for a text. `resource.` stands
    before attributes of the resource.
    """
    if isinstance(attribute, str):
        return attribute
    kind = {"int": "number", "double": "number", "boolean": "boolean"}.get(attribute.type)
    name = f"resource.{attribute.name}" if attribute in c.RESOURCE else attribute.name
    return f"tags[{name},{kind}]" if kind else name


def _on_desk(path: str, tags: Tags, operation: str = "") -> OnDesk:
    """Return a view of the desk, whose parameters and filter select what has the tags."""
    own = [(_OF_DESK[key], value) for key, value in tags.items() if key in _OF_DESK]
    own += [("operation", operation)] if operation else []
    terms = [_term(_name(key), value) for key, value in tags.items() if key not in _OF_DESK]
    return OnDesk(path, (*own, *([("filter", " ".join(terms))] if terms else [])))


def _term(key: str, value: str) -> str:
    """Return a term of the desk's filter language."""
    if (key, value) == ("error", "true"):
        return "status=error"
    return f"{key}={value}" if value.isalnum() else f'{key}="{value}"'


def _name(attribute: c.Attribute | str) -> str:
    return attribute if isinstance(attribute, str) else attribute.name


def _quoted(text: str) -> str:
    """Return a text as part of an address; places of values stay as they are."""
    return "".join(part if _PLACE.fullmatch(part) else quote(part, safe="") for part in _PLACE.split(text))
