"""A service that answers questions from documents, by FastAPI: it retrieves, asks a model, and streams the answer."""

import logging
from collections.abc import AsyncIterator

import httpx
import pydantic
from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse

import telemetry
from telemetry.testing.logs import Logs
from telemetry.testing.metrics import Metrics
from telemetry.testing.spans import Spans
from tests.entry import ENTRY

log = logging.getLogger("rag")
PASSAGES = {"jacket": ["Jackets are warm.", "Jackets have pockets."]}


class Question(pydantic.BaseModel):
    question: str
    top_k: int = 2


@telemetry.stage("retrieve", {"db.system.name": "qdrant", "db.operation.name": "query"})
async def retrieve(question: str, top_k: int) -> list[str]:
    found = next((passages for word, passages in PASSAGES.items() if word in question), [])[:top_k]
    telemetry.results(hits=len(found), scores=[0.9, 0.4][: len(found)])
    return found


async def generate(passages: list[str]) -> AsyncIterator[str]:
    with telemetry.stage("generate", model="tiny-llm"):
        for passage in passages:
            if passage == "Jackets have pockets.":
                log.warning("the model repeats itself")
            yield passage


app = FastAPI()


@app.post("/answer")
@telemetry.endpoint("/answer")
async def answer(body: Question) -> StreamingResponse:
    passages = await retrieve(body.question, body.top_k)
    if not passages:
        raise HTTPException(404, "no passage answers that")
    return StreamingResponse(generate(passages), media_type="text/plain")


async def ask(question: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://rag") as client:
        return await client.post("/answer", json={"question": question})


async def test_an_answer_is_one_tree_to_its_last_word(spans: Spans, metrics: Metrics, logs: Logs) -> None:
    """Retrieval and generation stand below the endpoint, though the words come after it has returned."""
    response = await ask("Is a jacket warm?")
    assert response.text == "Jackets are warm.Jackets have pockets."
    (endpoint,) = spans.named("/answer")
    assert [span.name for span in spans if span.parent and span.parent.span_id == endpoint.context.span_id] == [
        "retrieve",
        "generate",
    ]
    attributes = dict(endpoint.attributes or {})
    first = attributes.pop("search.first_item.duration")
    assert isinstance(first, float)
    assert 0 < first < ((endpoint.end_time or 0) - (endpoint.start_time or 0)) / 1e9
    assert attributes == {"search.operation": "answer", "search.entry": True, "len_docs": 1}
    of_answer = {"search.operation": "answer"}
    assert metrics.value("search.request.duration", {**ENTRY, **of_answer, "search.outcome": "ok"}) == 1
    assert metrics.value("search.first_item.duration", of_answer) == 1
    assert metrics.value("search.documents", {**of_answer, "search.outcome": "ok"}) == 1
    assert metrics.total("search.results", of_answer) == 2
    assert logs.one("repeats") in logs.of(spans.one("generate"))


async def test_a_question_without_an_answer_is_not_a_failure(spans: Spans, metrics: Metrics) -> None:
    """404 for the caller, rejected in the statistics, and no span is an error; a body that is wrong never arrives."""
    assert [(await ask("Is a hat warm?")).status_code, (await ask(None)).status_code] == [404, 422]  # type: ignore[arg-type]
    (series,) = metrics.series("search.request.duration")
    assert series == {**ENTRY, "search.operation": "answer", "search.outcome": "rejected"}
    assert metrics.value("search.results.empty") == 1
    assert [span.name for span in spans.named("/answer") if span.status.status_code.name == "ERROR"] == []
