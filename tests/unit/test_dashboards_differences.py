"""What differs between two values of JSON, and how a difference is printed."""

import pytest

from dashboards.publishing.differences import Difference, differences
from dashboards.publishing.steps import Did, Step, report

BEFORE = {"title": "Board", "panels": [{"title": "A", "targets": [{"refId": "A", "expr": "x"}]}, {"title": "B"}]}


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        (BEFORE, BEFORE, []),
        ({"a": 1}, {"a": 2}, [(("a",), 1, 2)]),
        ({"a": None, "b": [], "c": ""}, {"d": {}}, []),  # absent is the same as empty
        ({"a": False}, {}, [(("a",), False, None)]),  # false is not empty
        ({"a": [1, 2]}, {"a": [2, 1]}, [(("a",), [1, 2], [2, 1])]),
        (BEFORE, {**BEFORE, "panels": BEFORE["panels"][::-1]}, [(("panels", "order"), ["A", "B"], ["B", "A"])]),
        (BEFORE, {**BEFORE, "panels": BEFORE["panels"][1:]}, [(("panels", "A"), BEFORE["panels"][0], None)]),
        (
            BEFORE,
            {**BEFORE, "panels": [{"title": "A", "targets": [{"refId": "A", "expr": "y"}]}, {"title": "B"}]},
            [(("panels", "A", "targets", "A", "expr"), "x", "y")],
        ),
        # two of one name, and objects without names
        ([{"name": "n"}, {"name": "n", "v": 2}], [{"name": "n"}, {"name": "n"}], [(("n (2)", "v"), 2, None)]),
        ({"q": [{"v": 1}, {"v": 2}]}, {"q": [{"v": 1}, {"v": 3}]}, [(("q", "2", "v"), 2, 3)]),
        ({"q": [{"v": 1}]}, {"q": [{"v": 1}, {"v": 3}]}, [(("q",), [{"v": 1}], [{"v": 1}, {"v": 3}])]),
    ],
)  # fmt: skip
def test_differences(before: object, after: object, wanted: list[tuple[tuple[str, ...], object, object]]) -> None:
    """Each has the path of names that leads to it."""
    assert differences(before, after) == [Difference(*each) for each in wanted]


def test_a_step_is_printed_with_what_differs(capsys: pytest.CaptureFixture[str]) -> None:
    """Long texts are cut around the place where they begin to differ; many differences are counted; markup is text."""
    same = "[red]" + "x" * 500
    changes = [
        Difference(("panels", "A", "expr"), f"{same}before", f"{same}after"),
        Difference(("panels", "New"), None, {"title": "New"}),
        Difference(("panels", "Old"), {"title": "Old"}, None),
        Difference(("panels", "B", "description"), "there", ""),
        *[Difference((str(number),), number, number + 1) for number in range(20)],
    ]
    report("somewhere", [Step("board", "Stage", Did.UPDATED, changes)], dry_run=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["somewhere", "  board       Stage                               updated"]
    assert lines[2] == "      panels › A › expr"
    assert (lines[3][8:11], lines[3][-7:]) == ("- …", "xbefore")
    assert (lines[4][8:11], lines[4][-6:]) == ("+ …", "xafter")
    assert len(lines[3]) < 260
    assert lines[5:7] == ["      + panels › New", "      - panels › Old"]
    assert lines[7:10] == ["      panels › B › description", "        - there", "        + (empty)"]
    assert lines[-2:] == ["      and 12 more", "1 updated."]
