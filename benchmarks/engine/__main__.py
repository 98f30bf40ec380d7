"""Run the benchmark, and print its table: see the package's docstring."""

import argparse
import json
import subprocess
import sys
from contextlib import ExitStack

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

import benchmarks.engine
from benchmarks.engine import environments, runner, sink, table
from benchmarks.engine.environments import Environment
from benchmarks.engine.rows import ALL, BEFORE, OURS, ROWS, Row, groups
from benchmarks.machine import machine
from tests.environments import NotMade


def main(given: list[str] | None = None) -> int:
    """Measure and print; return 1 where a launch failed."""
    arguments = _arguments(given)
    if arguments.profile:
        return _profile(arguments.calls)
    console = Console(stderr=True)
    rows = [row for row in ROWS if not arguments.only or row.asked(arguments.only)]
    with ExitStack() as stack, _progress(console) as progress:
        task = progress.add_task("environments", total=None)
        libraries, absent = _libraries(rows, arguments.peers)
        if arguments.before:
            libraries[BEFORE] = stack.enter_context(environments.before(arguments.before))
        pairs = runner.launches(rows, libraries, arguments.rounds)
        progress.update(task, total=len(pairs))
        with sink.opened() as opened:
            figures = runner.run(
                pairs, libraries, arguments.calls, opened,
                lambda words: progress.update(task, description=words, advance=1),
            )  # fmt: skip
    if arguments.json:
        print(json.dumps(table.as_json(rows, figures, libraries), indent=2))
    else:
        table.show(rows, figures, libraries, Console(), markdown=arguments.markdown)
        Console().print(
            f"{machine()}; medians of "
            f"{arguments.rounds} launches in turns, {arguments.calls:,} calls each. µs and ms: CPU, but p50.",
            highlight=False,
            soft_wrap=True,
        )
    for line in (*absent, *figures.failures):
        console.print(line, style="red", highlight=False, soft_wrap=True)
    return bool(figures.failures)


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.engine", description=(benchmarks.engine.__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--rounds", type=int, default=5, help="launches of each measure (%(default)s)")
    parser.add_argument("--calls", type=int, default=10_000, help="in each launch (%(default)s)")
    parser.add_argument(
        "--only", nargs="+", metavar="ROW", default=[], help=f"rows, or groups of them: {', '.join(groups())}"
    )
    parser.add_argument(
        "--peers", action=argparse.BooleanOptionalAction, default=True, help="with the other libraries (the default)"
    )
    parser.add_argument("--before", metavar="REVISION", help="also with the library as it was, in a column of its own")
    parser.add_argument("--json", action="store_true", help="print JSON, with the figure of each launch")
    parser.add_argument("--markdown", action="store_true", help="print the table as docs/benchmarks.md has it")
    parser.add_argument("--profile", action="store_true", help="print what costs most of a stage and of its export")
    arguments = parser.parse_args(given)
    for name in arguments.only:
        if not any(row.asked([name]) for row in ROWS):
            parser.error(f"there is not a row {name!r}; groups are {', '.join(groups())}")
    return arguments


def _libraries(rows: list[Row], peers: bool) -> tuple[dict[str, Environment], list[str]]:
    """Return the environments that the rows need, and what could not be installed."""
    found, absent = {}, []
    for library in ALL if peers else (OURS,):
        if any(library in row.measures for row in rows):
            try:
                found[library] = environments.find(library)
            except NotMade as error:
                absent.append(f"{library} is absent: {str(error).strip().rpartition(chr(10))[2]}")
    return found, absent


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)


def _profile(calls: int) -> int:
    with sink.opened() as opened:
        given = ("benchmarks.engine.profile", str(calls), opened.grpc, opened.http)
        return subprocess.run([sys.executable, "-m", *given], cwd=environments.ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
