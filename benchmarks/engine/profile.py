"""What costs most by function: `python -m benchmarks.engine.profile CALLS GRPC HTTP`, from `--profile`.

In: how many calls, where the sink listens. Out: two tables, of a stage on its caller's thread and of its export on the
library's: microseconds in the function itself, and calls, of one stage. A profiler makes each call of a Python function
more expensive, so shares mean more than times.
"""

import cProfile
import os
import pstats
import re
import sys
import threading
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.engine.measures import begin
from benchmarks.engine.measures.memory import MOST as TURN

ROOT = Path(__file__).parents[2]
MOST = 20  # functions
WAITS = frozenset({"acquire", "poll", "recv", "select", "sleep"})
"""What a thread does while it waits, which is not CPU."""


def main(calls: int, *addresses: str) -> None:
    """Profile and print."""
    behind: list[cProfile.Profile] = []

    def enable(*_: Any) -> None:
        """Start to profile the library's thread at its first event."""
        sys.setprofile(None)
        if _exports(threading.current_thread().name):
            behind.append(cProfile.Profile())
            behind[-1].enable()

    if sys.version_info < (3, 12):
        threading.setprofile(enable)
    os.environ["OTEL_BSP_SCHEDULE_DELAY"] = "60000"  # so that neither thread waits for the other
    started = begin("ours", addresses)
    stage = started.calls["stage_with"].run
    caller, stretches = cProfile.Profile(), max(1, calls // TURN)
    for number in range(1 + stretches):
        if number:
            caller.enable()
        with started.root():
            for _ in range(TURN):
                stage()
        caller.disable()
        started.flush()
    _show("a stage, on its caller's thread", [caller], stretches * TURN)
    if sys.version_info < (3, 12):
        _show("behind it, on the exporting thread", behind, (1 + stretches) * TURN)


def _exports(name: str) -> bool:
    return "span" in name.lower()


def _show(title: str, profiles: list[cProfile.Profile], calls: int) -> None:
    stats = pstats.Stats(*profiles)
    found = {
        function: one
        for function, one in stats.stats.items()  # type: ignore[attr-defined]
        if function[0] != "~" or WAITS.isdisjoint(re.findall(r"\w+", function[2]))
    }
    whole = sum(own for _, _, own, _, _ in found.values())
    table = Table("", "µs", "share", "calls", title=title, title_justify="left", box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for (file, line, function), (_, many, own, _, _) in sorted(found.items(), key=lambda one: -one[1][2])[:MOST]:
        name = f"{_short(file)}:{line} {function}" if line else function
        table.add_row(name, f"{own / calls * 1e6:.2f}", f"{100 * own / whole:.0f} %", f"{many / calls:.2f}")
    console = Console()
    console.print(table)
    console.print(f"all: {whole / calls * 1e6:.1f} µs\n", highlight=False)


def _short(file: str) -> str:
    path = Path(file)
    return (
        str(path.relative_to(ROOT))
        if path.is_relative_to(ROOT) and "lib" not in path.parts
        else "/".join(path.parts[-2:])
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
