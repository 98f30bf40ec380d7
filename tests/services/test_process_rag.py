"""A FastAPI service under uvicorn that streams a language model's answer; a page asks, whose trace goes on there."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import httpx
import pytest

from tests.services.asking import Collector, exceptions, logs, one, tree
from tests.services.model_server import WORDS, Model, model_server
from tests.services.running import PATIENCE, PROGRAMS, address, environment, running

pytest.importorskip("fastapi", reason="FastAPI is not installed")
pytest.importorskip("uvicorn", reason="uvicorn is not installed")
pytest.importorskip(
    "opentelemetry.instrumentation.httpx", reason="OpenTelemetry's httpx instrumentation is not installed"
)

ANSWERED = """\
click internal page
  POST /ask server rag
    fastapi.dependencies internal rag
    fastapi.endpoint internal rag
      /ask internal rag
        retrieve internal rag
        generate internal rag
          POST client rag"""
LEFT = """\
click internal page
  POST /ask server rag ! ConnectionError
    fastapi.dependencies internal rag
    fastapi.endpoint internal rag
      /ask internal rag cancelled
        retrieve internal rag
        generate internal rag
          POST client rag"""
REFUSED = """\
click internal page
  POST /ask server rag
    fastapi.dependencies internal rag
    fastapi.endpoint internal rag
      /ask internal rag rejected"""
INVALID = """\
click internal page
  POST /ask server rag
    fastapi.dependencies internal rag"""
FAILED = """\
click internal page
  POST /ask server rag ! httpx.HTTPStatusError
    fastapi.dependencies internal rag
    fastapi.endpoint internal rag
      /ask internal rag ! httpx.HTTPStatusError
        retrieve internal rag
        generate internal rag ! httpx.HTTPStatusError
          POST client rag !"""


@dataclass
class Page:
    """Asks the service. `traces` are those that it began, by name; `held` is how long the model sent nothing."""

    collector: Collector
    url: str
    traces: dict[str, str] = field(default_factory=dict)
    held: float = 0.0

    def ask(self, name: str, **body: str) -> int:
        """One question whose answer is not read."""
        with self.collector.click() as click:
            self.traces[name] = click.trace_id
            return self.collector.client.post(self.url, json=body, headers=click.headers).status_code

    def read(self, model: Model) -> str:
        """A streamed answer; while the model pauses after its first word, another question is asked."""
        with self.collector.click() as click:
            self.traces["answered"] = click.trace_id
            body = {"question": "which black jacket"}
            with self.collector.client.stream("POST", self.url, json=body, headers=click.headers) as answer:
                words = answer.iter_text()
                first, began = next(words), time.monotonic()
                assert first == WORDS[0]
                assert self.ask("refused", question="a soft one", shelf="sofas") == 404
                self.held = time.monotonic() - began
                model.go_on.set()
                return first + "".join(words)

    def leave(self, model: Model) -> None:
        """A page that is closed after the first word."""
        with self.collector.click() as click:
            self.traces["left"] = click.trace_id
            body = {"question": "talk for ever"}
            with self.collector.client.stream("POST", self.url, json=body, headers=click.headers) as answer:
                assert next(answer.iter_text()) == WORDS[0]
            assert model.let_go.wait(PATIENCE)


@pytest.fixture(scope="module")
def page(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Page:
    """A page that has asked all its questions, after the service's end."""
    folder = tmp_path_factory.mktemp("rag")
    command = ("-m", "uvicorn", "--app-dir", str(PROGRAMS), "--port", "0", "rag:app")
    with model_server() as model:
        variables = environment(f"http://{collector.grpc}", MODEL_URL=model.url)
        with running(*command, ready="Uvicorn running on", folder=folder, variables=variables) as log:
            page = Page(collector, f"http://{address(log)}/ask")
            assert page.read(model) == "".join(WORDS)
            assert page.ask("invalid", shelf="hats") == 422
            page.leave(model)
            with pytest.raises(httpx.RemoteProtocolError):  # the head of the answer was sent before the model refused
                page.ask("failed", question="are you busy")
    return page


def test_an_answer_is_one_trace_from_the_page_to_the_model(page: Page, collector: Collector) -> None:
    """To its last word, though the function has returned by then; a second request meanwhile has a tree of its own.

    FastAPI's own span has its own idea of a page that went away; ours is not an error.
    """
    drawn = {name: tree(collector.trace(trace)) for name, trace in page.traces.items()}
    assert drawn == {
        "answered": ANSWERED,
        "refused": REFUSED,
        "invalid": INVALID,
        "left": LEFT,
        "failed": FAILED,
    }


def test_the_first_word_is_timed_apart_from_the_whole_answer(page: Page, collector: Collector) -> None:
    """Between them lies at least the time in which the model sent nothing."""
    spans = [one(collector.trace(page.traces[name]), "/ask") for name in ("answered", "left")]
    first, other = (span["attributes"]["search.first_item.duration"] for span in spans)
    assert 0 < first < spans[0]["duration_ns"] / 1e9 - page.held
    assert collector.first_items("rag") == {("ask",): (2, first + other)}


def test_an_exception_is_reported_once_where_it_happened(page: Page, collector: Collector) -> None:
    """The model's 429 is an error of ours, though the caller has got 200; what we refuse the endpoint records."""
    found = {name: exceptions(collector.trace(trace)) for name, trace in page.traces.items()}
    assert ("generate", "httpx.HTTPStatusError") in found["failed"]
    assert found["refused"] == [("/ask", "fastapi.exceptions.HTTPException")]
    assert found["left"] == [("generate", "asyncio.exceptions.CancelledError")]
    assert found["answered"] == found["invalid"] == []


def test_requests_and_documents_count_by_outcome(page: Page, collector: Collector) -> None:
    """A body that FastAPI refuses never reaches the endpoint, and does not count as its request."""
    assert collector.requests("rag") == {
        ("ask", "ok"): 1,
        ("ask", "rejected"): 1,
        ("ask", "cancelled"): 1,
        ("ask", "error", "httpx.HTTPStatusError"): 1,
    }
    assert collector.documents("rag") == {("ask", outcome): 1 for outcome in ("ok", "rejected", "cancelled", "error")}


def test_the_question_is_recorded_nowhere(page: Page, collector: Collector) -> None:
    """In none of the traces, and in none of their log records."""
    assert "black" not in str([collector.trace(trace) for trace in page.traces.values()])


def test_log_records_are_in_the_trace_to_the_last_word(page: Page, collector: Collector) -> None:
    """Those of the function, and those of the stream that it returned, each on its span."""
    answered = [log for log in logs(collector.trace(page.traces["answered"])) if "HTTP Request" not in log[1]]
    assert answered == [("/ask rag", "answering from 2 passages"), ("generate rag", "answered")]
    assert "answered" not in [body for _, body in logs(collector.trace(page.traces["left"]))]
