"""What publishing did to one thing, and how that is printed.

In: steps, as they happen. Out: lines on standard output. State: how many there were of each kind.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from dashboards.publishing.differences import Difference

_MOST_DIFFERENCES: Final = 12
_MOST_CHARACTERS: Final = 240


class Did(Enum):
    """What was done to a thing, and what would be done to it."""

    CREATED = ("created", "would be created")
    UPDATED = ("updated", "would be updated")
    KEPT = ("up to date", "up to date")
    LEFT = ("left as it is", "left as it is")


@dataclass(frozen=True, slots=True)
class Step:
    """What was done to one thing.

    Attributes:
        kind: such as `board`.
        title: of it.
        did: what was done.
        changes: what differed, of one that was updated.
        why: of one that was left.
    """

    kind: str
    title: str
    did: Did
    changes: Sequence[Difference] = ()
    why: str = ""


def report(where: str, steps: Iterable[Step], *, dry_run: bool) -> None:
    """Print steps as they happen, and their sum."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(where, style="bold", markup=False)
    counts: Counter[Did] = Counter()
    for step in steps:
        counts[step.did] += 1
        console.print(_line(step, dry_run))
        for change in step.changes[:_MOST_DIFFERENCES]:
            console.print(_change(change))
        if len(step.changes) > _MOST_DIFFERENCES:
            console.print(f"      and {len(step.changes) - _MOST_DIFFERENCES} more")
    console.print(", ".join(f"{count} {did.value[dry_run]}" for did in Did if (count := counts[did])) + ".")


def _line(step: Step, dry_run: bool) -> Text:
    style = {Did.CREATED: "green", Did.UPDATED: "yellow"}.get(step.did, "dim")
    line = Text(f"  {step.kind:<12}{step.title:<36}").append(step.did.value[dry_run], style)
    return line.append(f": {step.why}") if step.why else line


def _change(change: Difference) -> Text:
    path = " › ".join(change.path) or "all of it"
    if change.after is None:
        return Text(f"      - {path}{_brief(change.before)}", "red")
    if change.before is None:
        return Text(f"      + {path}{_brief(change.after)}", "green")
    before, after = _around(_text(change.before), _text(change.after))
    return Text(f"      {path}\n").append(f"        - {before}\n", "red").append(f"        + {after}", "green")


def _brief(value: Any) -> str:
    """Return a value after its path; an object or a list is named by the path alone."""
    return "" if isinstance(value, dict | list) else f": {_around(_text(value), '')[0]}"


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text or "(empty)"


def _around(before: str, after: str) -> tuple[str, str]:
    """Return two texts; of long ones the part where they begin to differ."""
    alike = next((place for place, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), 0)
    start = max(0, alike - _MOST_CHARACTERS // 4)
    return _cut(before, start), _cut(after, start)


def _cut(text: str, start: int) -> str:
    if len(text) <= _MOST_CHARACTERS:
        return text
    end = start + _MOST_CHARACTERS
    return f"{'…' * bool(start)}{text[start:end]}{'…' * (end < len(text))}"
