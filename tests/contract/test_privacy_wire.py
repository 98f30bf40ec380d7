"""Nothing leaves a process that was not scrubbed: by OTLP, on the console, in the headers of a call."""

from pathlib import Path
from typing import Any

import pytest

from tests.otlp_stand_in import StandIn, attributes
from tests.secrets_corpus import leaked
from tests.unit.own_process import python

ROOT = Path(__file__).parents[2]
MAIL, CLEAN = "ada@example.com", "[redacted:email]"
BEGIN = f"sys.path.insert(0, {str(ROOT)!r})\nfrom tests.secrets_corpus import SECRETS\n"


def run(code: str, collector: StandIn, **environment: Any) -> object:
    ended = python(BEGIN + code, OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc, **environment)
    assert ended.status == 0, ended.err
    assert leaked(ended.err) == []
    return ended.shown[-1] if ended.shown else None


EVERYWHERE = """
from opentelemetry import metrics
texts = [secret.text for secret in SECRETS if not secret.name]
named = {secret.name: secret.text for secret in SECRETS if secret.name}
handle = telemetry.configure(
    "shop", logs=("otlp", "console"), resource_attributes={"note": texts[0], "db.password": "x7x7x7"}
)
counter = metrics.get_meter("mine").create_counter("orders")
log = logging.getLogger("shop")
raised = []
for number, text in enumerate(texts):
    with telemetry.request("/" + text, platform=text):
        with telemetry.stage(text, {"note": text, "notes": [text]}) as span:
            span.add_event(text, {"note": text})
            counter.add(1, {"note": text})
            log.warning("said %s", text, extra={"note": text, "deep": {"er": [text]}})
    error = ValueError(text)
    try:
        with telemetry.stage("failing"):
            raise error
    except ValueError as caught:
        raised.append(caught is error and caught.args == (text,))
        log.exception("failed")
with telemetry.stage("named", named):
    log.warning("named", extra={name.replace(".", "_"): text for name, text in named.items()})
show([all(raised), handle.flush(20)])
"""


def test_no_secret_of_the_corpus_leaves(collector: StandIn) -> None:
    """In names, attributes, events, errors, metrics, logs, the resource and on the console; exceptions stay whole."""
    assert run(EVERYWHERE, collector) == [True, True]
    sent = [request.SerializeToString() for _, request, _ in collector.requests]
    assert len(collector.spans()) > 100
    assert len(collector.logs()) > 100
    assert leaked("\n".join(one.decode("utf-8", "replace") for one in sent)) == []
    assert not [one for one in sent if b"x7x7x7" in one]
    assert all(resource["db.password"] == "[redacted:secret]" for _, resource in collector.spans())


BAGGAGE = """
from opentelemetry import baggage, context
import telemetry.context
telemetry.configure("shop", propagators=sys.argv[1])
context.attach(baggage.set_baggage("user", "ada@example.com", baggage.set_baggage("session.id", "x7")))
with telemetry.stage("call"):
    headers = telemetry.context.inject()
show([headers, baggage.get_all()])
"""


@pytest.mark.parametrize("propagator", ["tracecontext,baggage", "jaeger"])
def test_baggage_leaves_without_its_secrets(collector: StandIn, propagator: str) -> None:
    """The headers of a call hold markers; the context of the caller keeps what it has."""
    ended = python(BAGGAGE, propagator, OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc)
    headers, kept = ended.shown[0]
    assert kept == {"session.id": "x7", "user": MAIL}
    text = str(headers)
    assert "example.com" not in text  # a random id may contain the letters of the name
    assert "x7" not in text
    assert "redacted" in text


def test_scrubbing_can_be_switched_off_and_extended(collector: StandIn) -> None:
    """`scrub=False` lets everything through; a `Scrub` adds and keeps."""
    work = """
with telemetry.stage("a", to="ada@example.com", customer_no="77", note="ORD-123456"):
    pass
handle.flush(10)
"""
    mine = "Scrub(keys=['customer-no'], patterns={'order': 'ORD-[0-9]+'}, keep=['to'])"
    run(f"handle = telemetry.configure('x', scrub=False)\n{work}", collector)
    run(f"from telemetry.privacy import Scrub\nhandle = telemetry.configure('x', scrub={mine})\n{work}", collector)
    off, own = (attributes(span.attributes) for span, _ in collector.spans())
    assert off == {"to": MAIL, "customer_no": "77", "note": "ORD-123456"}
    assert own == {"to": MAIL, "customer_no": "[redacted:secret]", "note": "[redacted:order]"}


def test_a_text_is_scrubbed_before_it_is_cut(collector: StandIn) -> None:
    """The SDK's own limits would cut a secret in half: they are applied once it is hidden, and hold to the letter."""
    code = """
handle = telemetry.configure("x", logs="otlp")
note = "x" * 15 + " ada@example.com" + "y" * 50
with telemetry.stage("a", note=note):
    logging.getLogger("shop").warning("said", extra={"note": note})
handle.flush(10)
"""
    run(code, collector, OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT="20")
    cut = "x" * 15 + " [red"
    assert [attributes(span.attributes)["note"] for span, _ in collector.spans()] == [cut]
    assert [attributes(record.attributes)["note"] for record in collector.logs()] == [cut]


CONTENT = """
class Doc:
    text = "to ada@example.com " + "x" * 50
class Broken:
    @property
    def text(self):
        raise RuntimeError("no")
def stream():
    yield from ["never", "read"]
@telemetry.endpoint("/search")
def search(docs):
    return len(list(docs))
handle = telemetry.configure("x")
given = stream()
show([search([Doc(), {"text": "two"}, "three", b"four", Broken(), 7, "x", "y"]), search(given), search(docs=("one",))])
handle.flush(10)
"""


def test_content_is_recorded_only_where_asked(collector: StandIn) -> None:
    """By default no text of a document leaves; with the variable their beginnings do, scrubbed, on spans alone."""
    assert run(CONTENT, collector) == [8, 2, 1]
    assert b"three" not in b"".join(request.SerializeToString() for _, request, _ in collector.requests)
    collector.requests.clear()
    limits = {"SEARCH_TELEMETRY_CONTENT_LENGTH": "24", "SEARCH_TELEMETRY_CONTENT_DOCS": "5"}
    assert run(CONTENT, collector, SEARCH_TELEMETRY_CAPTURE_CONTENT="true", **limits) == [8, 2, 1]
    texts = [attributes(span.attributes).get("search.docs.text") for span, _ in collector.spans()]
    assert [text and [value.string_value for value in text.values] for text in texts] == [
        ["to [redacted:email] xxxx", "two", "three"], None, ["one"],
    ]  # fmt: skip
    metrics = [request for signal, request, _ in collector.requests if signal == "metrics"]
    assert metrics
    assert all(b"three" not in request.SerializeToString() for request in metrics)
