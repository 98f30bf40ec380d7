"""Questions about a shop's goods: passages are found on a shelf, and a language model's answer is streamed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator

import httpx
from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from pydantic import BaseModel

import telemetry

handle = telemetry.configure("rag", logs="otlp")
logging.basicConfig(level=logging.INFO)
log = logging.getLogger("rag")
model = httpx.AsyncClient(base_url=os.environ["MODEL_URL"], timeout=20)
HTTPXClientInstrumentor.instrument_client(model)

SHELVES = {"jackets": ["A black jacket for winter.", "A red coat.", "A green jacket."], "hats": ["A straw hat."]}


class Question(BaseModel):
    """What a caller sends."""

    question: str
    shelf: str = "jackets"


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Close the model's client, and export what is left."""
    yield
    await model.aclose()
    await asyncio.to_thread(handle.shutdown, 1.25)


app = FastAPI(lifespan=lifespan)


@app.post("/ask")
@telemetry.endpoint("/ask")
async def ask(question: Question) -> StreamingResponse:
    """Answer a question, word by word."""
    if question.shelf not in SHELVES:
        raise HTTPException(404, f"there is no shelf {question.shelf!r}")
    passages = retrieve(question.question, SHELVES[question.shelf])
    log.info("answering from %d passages", len(passages))
    return StreamingResponse(answer(question.question, passages), media_type="text/plain")


@telemetry.stage("retrieve", {"db.system.name": "memory", "db.operation.name": "query"}, top_k=2)
def retrieve(question: str, shelf: list[str]) -> list[str]:
    """The two passages that share most words with the question."""
    words = set(question.lower().split())
    scores = {passage: len(words & set(passage.lower().split())) / len(words) for passage in shelf}
    best = sorted(scores, key=lambda passage: -scores[passage])[:2]
    telemetry.results(hits=len(best), scores=[scores[passage] for passage in best])
    return best


@telemetry.stage("generate", model="tiny-llm")
async def answer(question: str, passages: list[str]) -> AsyncIterator[str]:
    """What the model sends, as it sends it."""
    prompt = "\n".join([*passages, question])
    async with model.stream("POST", "/generate", json={"prompt": prompt}) as response:
        response.raise_for_status()
        async for word in response.aiter_text():
            yield word
    log.info("answered")
