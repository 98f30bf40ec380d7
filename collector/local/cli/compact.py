"""`telemetry compact`: returns the space of deleted telemetry to the disk."""

import argparse

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from collector.local.amounts import size_text
from collector.local.cli.client import default_store
from collector.local.render.text import clean, make_console
from collector.local.store.compact import compact


def compact_store(args: argparse.Namespace) -> int:
    """Replace the store with a smaller copy."""
    console = make_console()
    path = args.store or default_store()
    columns = (TextColumn("  copying"), BarColumn(), TextColumn("{task.percentage:.0f} %"), TimeRemainingColumn())

    def begin(needed: int, free: int) -> None:
        room = f"  needs up to {size_text(needed)} on the disk temporarily; {size_text(free)} are free"
        console.print(f"Compacting {clean(path)}", markup=False, highlight=False, soft_wrap=True)
        console.print(room, style="dim", highlight=False)

    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        done = compact(path, begin, lambda copied, total: bar.update(task, completed=copied, total=total))
    saved = f"saved {size_text(done.before - done.after)}" if done.after < done.before else "nothing to save"
    sizes = f"{size_text(done.before)} to {size_text(done.after)}"
    console.print(f"  {sizes}: {saved}. All {done.rows:,} rows were copied.", highlight=False)
    return 0
