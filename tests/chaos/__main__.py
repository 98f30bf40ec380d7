"""`make chaos`: a search pipeline for ten minutes while everything around it goes wrong.

It prints progress and a table of promises; the exit status is 1 if one was not kept.
"""

import argparse
import secrets
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.chaos.run import Run
from tests.chaos.verdict import verdict


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=600, help="(%(default)s)")
    parser.add_argument("--children", type=int, default=200, help="forks at least (%(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="of all that is random (default: another each time)")
    args = parser.parse_args()
    seed = secrets.randbelow(1_000_000) if args.seed is None else args.seed
    console = Console(highlight=False)
    console.print(f"{args.seconds:.0f} s, seed {seed}  (again: --seed {seed})")
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        gathered = Run(Path(folder), args.seconds, seed, args.children, console.print).go()
    findings = verdict(gathered, args.children)
    table = Table("promise", "found", "", title=f"Chaos for {args.seconds:.0f} s, seed {seed}", title_justify="left")
    for finding in findings:
        table.add_row(finding.promise, finding.found, "[green]kept[/]" if finding.kept else "[bold red]BROKEN[/]")
    console.print(table)
    for line in gathered.counts.unbalanced[:5]:
        console.print(line)
    kept = all(finding.kept for finding in findings)
    if not kept:
        for role, log in gathered.logs.items():
            console.print(f"the end of the log of {role}:", *log[-20:], sep="\n  ")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
