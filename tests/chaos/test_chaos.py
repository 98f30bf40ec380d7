"""A short form of `make chaos`: the same promises, a few seconds of it."""

from pathlib import Path

import pytest

from tests.chaos.run import Run
from tests.chaos.verdict import verdict

CHILDREN = 10


@pytest.mark.timeout(180)
def test_a_pipeline_keeps_its_promises_while_everything_goes_wrong(tmp_path: Path) -> None:
    """Kills, stalls, refusals, forks and cancellations, reproducible by their seed."""
    messages: list[str] = []
    gathered = Run(tmp_path, 5.0, seed=20, children=CHILDREN, say=messages.append).go()
    broken = [finding for finding in verdict(gathered, CHILDREN) if not finding.kept]
    assert broken == [], "\n".join([*messages, *(line for log in gathered.logs.values() for line in log[-20:])])
