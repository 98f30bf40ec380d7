"""The flow file decides what `pamazon up` starts: a role that is added to it needs no other file but its own class."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import demo_flow
from tests.pamazon_fixtures import write_catalogue

ROLE = """
RERANKER: Final = Role(
    "reranker",
    address="127.0.0.1:8110",
    runs="demo_flow.executors.reranker:Reranker",
    about="worst first: {worst_first}",
    arguments={"worst_first": Argument(False, "turn the order round")},
)

ROUTES: Final = {
    "/search": (CLIP_ENCODER, QDRANT_INDEXER, RERANKER),"""

EXECUTOR = """
import telemetry
from demo_flow.serving.endpoints import requests


class Reranker:
    def __init__(self, worst_first):
        self.facts = {"worst_first": worst_first}

    @requests(on="/search")
    @telemetry.endpoint("/search")
    async def rerank(self, docs, parameters):
        for doc in docs:
            matches = sorted(doc.matches, key=lambda match: match.score)
            del doc.matches[:]
            doc.matches.extend(matches)
        return docs

    async def close(self):
        pass
"""


@pytest.fixture
def flow_with_reranker(tmp_path: Path) -> Path:
    """A folder with a Pamazon whose flow file has one role more; the rest is linked."""
    original, copy = Path(demo_flow.__file__).parent, tmp_path / "copy" / "demo_flow"
    (copy / "executors").mkdir(parents=True)
    for path in [*original.iterdir(), *(original / "executors").iterdir()]:
        if path.name not in {"flow.py", "executors", "__pycache__"}:
            (copy / path.relative_to(original)).symlink_to(path)
    flow = (original / "flow.py").read_text("utf-8")
    routed = re.sub(r'\nROUTES: Final = \{\n    "/search": \(CLIP_ENCODER, QDRANT_INDEXER\),', ROLE, flow)
    changed = routed.replace(
        "(GATEWAY, CLIP_ENCODER, QDRANT_INDEXER)", "(GATEWAY, CLIP_ENCODER, QDRANT_INDEXER, RERANKER)"
    )
    (copy / "flow.py").write_text(changed, "utf-8")
    (copy / "executors" / "reranker.py").write_text(EXECUTOR, "utf-8")
    return copy.parent


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """Three pictures."""
    folder = tmp_path / "catalogue"
    folder.mkdir()
    write_catalogue(folder)
    return folder


def test_a_role_that_is_added_to_the_flow_file_is_started_and_asked_in_its_turn(
    flow_with_reranker: Path, catalogue: Path, home: Path, tmp_path: Path
) -> None:
    """`up` starts it, with its arguments as options; the gateway takes requests through it."""
    environment = {**os.environ, "PYTHONPATH": str(flow_with_reranker), "OTEL_SDK_DISABLED": "true"}
    pamazon = [sys.executable, "-m", "demo_flow"]
    command = [*pamazon, "up", "--data", str(tmp_path / "data"), "--catalogue", str(catalogue), "--worst-first"]
    command += ["--threshold", "0"]  # the model does not know these goods
    command += [f"--{role}=127.0.0.1:0" for role in ("gateway", "clip-encoder", "qdrant-indexer", "reranker")]
    up = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert up.stdout is not None
        shown: list[str] = []
        for line in up.stdout:
            shown.append(line)
            if "--gateway" in line:
                break
        text = "".join(shown)
        assert re.search(r"reranker +127\.0\.0\.1:\d+ +worst first: True", text)
        (gateway,) = re.findall(r"--gateway (127\.0\.0\.1:\d+)", text)
        search = [*pamazon, "search", "red", "--json", "--gateway", gateway]
        found = subprocess.run(search, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        scores = [match["score"] for match in json.loads(found.stdout)["results"]]
        assert len(scores) == 3
        assert scores == sorted(scores)
    finally:
        up.terminate()
        up.wait(30)
        up.stdout.close()  # type: ignore[union-attr]  # asserted above
