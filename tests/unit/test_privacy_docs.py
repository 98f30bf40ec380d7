"""`docs/privacy.md` names what the rules hide, no more and no less."""

from pathlib import Path

from telemetry.privacy import keys
from telemetry.privacy.rules import IP_RULE, RULES

PAGE = (Path(__file__).parents[2] / "docs" / "privacy.md").read_text("utf-8")


def test_the_table_is_that_of_the_rules() -> None:
    """Each rule has its row, in the order in which they apply."""
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert rows == [f"| `{rule.kind}` | {rule.what} |" for rule in (*RULES, IP_RULE)]


def test_the_list_of_names_is_that_of_the_rules() -> None:
    """Each phrase is in the page."""
    listed = PAGE.partition("(kind `secret`):")[2].partition("Whole words count")[0]
    assert listed.replace("\n", " ").strip() == ", ".join(f"`{phrase}`" for phrase in (*keys.STRONG, *keys.WEAK))
