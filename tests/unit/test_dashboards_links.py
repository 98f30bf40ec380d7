"""Links carry the labels of what is pointed at, the chosen flow and the time that is shown."""

import json
from urllib.parse import parse_qs, urlsplit

from dashboards import links
from dashboards.boards.affected import affected
from dashboards.model import OnDesk
from telemetry import conventions as c


def _filled(url: str, **values: str) -> dict[str, list[str]]:
    """The parameters of an address after Grafana has put in its values."""
    values = {
        "jaeger": "http://jaeger",
        "sentry": "https://acme.sentry.io/explore/traces/",
        "entry": "gateway",
    } | values
    for name, value in ({"__from": "1000", "__to": "2000", "service:regex": "s"} | values).items():
        url = url.replace(f"${{{name}}}", value)
    return parse_qs(urlsplit(url).query)


def test_traces_are_looked_for_by_tags() -> None:
    """Jaeger takes tags as JSON, and times in microseconds."""
    link = links.traces({c.CLIENT_REGION: links.of(c.CLIENT_REGION), "error": "true"})
    asked = _filled(link.url, **{"__field.labels.client_region": "cl"})
    assert json.loads(asked["tags"][0]) == {"client.region": "cl", "error": "true"}
    assert (asked["start"], asked["end"], asked["lookback"]) == (["1000000"], ["2000000"], ["custom"])
    assert asked["service"] == ["gateway"]
    assert link.url.startswith("${jaeger}/search?")


def test_logs_are_of_the_chosen_services() -> None:
    """In Explore, in the time that is shown; a value with a quotation mark does not end the query's text early."""
    link = links.logs(match='| severity_text = "ERROR"')
    pane = json.loads(_filled(link.url, **{"namespace:regex": "pamazon"})["panes"][0])["a"]
    assert pane["queries"][0]["expr"] == ('{service_namespace=~"pamazon", service_name=~"s"} | severity_text = "ERROR"')
    assert pane["range"] == {"from": "1000", "to": "2000"}


def test_another_board_has_the_same_flow_and_time() -> None:
    """But what is pointed at: that is chosen there."""
    link = links.board("search-stage", "Stage", service=links.of(c.SERVICE_NAME))
    assert link.url == (
        "/d/search-stage?${__url_time_range}&${namespace:queryparam}&${version:queryparam}"
        "&var-service=${__field.labels.service_name}"
    )
    assert not link.new_tab


def test_clients_are_shown_alone_for_the_same_operation() -> None:
    """Whoever looks at failing index jobs does not arrive at searches, which the board shows otherwise."""
    (same,) = [link for link in affected().links if link.url.startswith("/d/search-overview?")]
    assert "&${operation:queryparam}&" in same.url


def test_traces_and_logs_are_on_the_desk_too() -> None:
    """By its own parameters where it has them, else by its filter; labels are filled in where the link is followed."""
    where: links.Tags = {
        c.CLIENT_REGION: links.of(c.CLIENT_REGION),
        c.SEARCH_STAGE: links.of(c.SEARCH_STAGE),
        "error": "true",
    }
    link = links.traces(where, service=links.of(c.SERVICE_NAME), operation="encode")
    assert link.desk == OnDesk(
        "/traces",
        (
            ("region", "${__field.labels.client_region}"),
            ("service", "${__field.labels.service_name}"),
            ("operation", "encode"),
            ("filter", 'search.stage="${__field.labels.search_stage}" status=error'),
        ),
    )
    jaeger, desk, logs = links.with_desk((link, links.logs()))
    assert (jaeger, desk.title, logs.url[:9]) == (link, "Traces on the desk", "/explore?")
    asked = _filled(desk.url, **{"__from:date:iso": "2026", "__field.labels.search_stage": "forward"})
    assert asked["filter"] == ['search.stage="forward" status=error']
    assert desk.url.startswith("${desk}/traces?since=${__from:date:iso}&until=${__to:date:iso}&region=")
    assert links.with_desk((links.logs(),)) == (links.logs(),)


def test_sentry_is_asked_where_its_address_is_set() -> None:
    """Where it is not, what is left of the link stays on the board."""
    link = links.sentry({c.CLIENT_REGION: links.of(c.CLIENT_REGION), c.CLIENT_PLATFORM: "ios"})
    asked = _filled(link.url, **{"__field.labels.client_region": "cl"})
    assert asked["query"] == ["client.region:cl client.platform:ios"]
    assert link.url.replace("${sentry}", "").startswith("?")
