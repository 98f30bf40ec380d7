"""The page of the boards in Chromium, with answers that come late, again, or with nothing in them."""

from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.incident_pictures import boards as served
from demo_flow.demo import free_address
from tests.browser.driving import in_browser
from tests.browser.environment import PAGE

pytestmark = pytest.mark.timeout(500)
LATE = "Above the median by"


@pytest.fixture(scope="module", params=[False, True], ids=["light", "dark"])
def seen(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """What a person saw, in one session for all tests."""
    with served(f"http://{free_address()}", PAGE) as address:
        yield in_browser("boards_answers.mjs", timeout_s=400, address=address, dark=request.param).result


def test_a_column_is_blank_until_its_answer_is_there(seen: dict[str, Any]) -> None:
    """All other values stand where they stand when it is."""
    late = seen["head"].index(LATE)
    assert (seen["partial"][late], bool(seen["whole"][late])) == ("", True)
    assert [*seen["partial"][:late], *seen["partial"][late + 1 :]] == [
        *seen["whole"][:late], *seen["whole"][late + 1 :],
    ]  # fmt: skip
    values = seen["whole"][2:-1]
    assert len(set(values)) == len(values), "each query must have a value of its own here"


def test_a_refresh_is_calm(seen: dict[str, Any]) -> None:
    """What was shown stays until the new answers are there, and an open menu stays open."""
    assert (seen["refreshing"], seen["blanks"], seen["menu"]) == (seen["whole"], 0, True)


def test_a_state_is_one_area(seen: dict[str, Any]) -> None:
    """Over 35 minutes, in its colour from the first moment to the last."""
    assert seen["filled"] >= 0.9


def test_a_panel_without_data_says_so(seen: dict[str, Any]) -> None:
    """Instead of an axis with nothing on it."""
    assert seen["empty"] == ["How many documents in a request?", "Nothing in this time"]
