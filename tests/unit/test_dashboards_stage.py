"""The board of stages: what is measured at the entry is there for every service that is chosen."""

import pytest

from dashboards.boards.stage import STAGE
from dashboards.model import Panel

(ENTRY,) = [row.panels for row in STAGE.rows if row.title == "Requests"]


@pytest.mark.parametrize("panel", ENTRY, ids=lambda panel: panel.title)
def test_requests_are_those_of_the_entry(panel: Panel) -> None:
    """Only the entry counts them: a query for the chosen service would find nothing behind it."""
    exprs = " ".join(query.expr for query in panel.queries)
    assert "$namespace" in exprs
    assert "$service" not in exprs
