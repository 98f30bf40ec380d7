"""`python -m tests.sentry_cli.picture`: draws the picture of a Sentry board in docs/sentry.md.

In: the demo's incidents, recorded now (two minutes), or in a folder that is named. Out: `docs/img/sentry-search.svg`,
what Sentry's own command line draws in a terminal. State: none but that file.
"""

import io
import os
import pty
import sys
import tempfile
import termios
from pathlib import Path

from rich.console import Console
from rich.text import Text

from benchmarks.incident_recording import reading
from collector.local.cli.read import SVG_FORMAT
from dashboards.rendering.sentry import board
from dashboards.sentry.search import SEARCH
from tests import npm
from tests.incident_fixtures import _record
from tests.sentry_api_stand_in import ORGANIZATION, TOKEN, sentry_api
from tests.sentry_cli.answering import table, timeseries
from tests.sentry_cli.cli import HERE, variables, view_command
from tests.sentry_cli.items import collected

PICTURE = Path(__file__).parents[2] / "docs/img/sentry-search.svg"
COLUMNS, TRACES = 136, 300


def main() -> None:
    """Draw it."""
    npm.install(HERE)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else name)
        if len(sys.argv) == 1:
            _record(folder)
        with reading(folder) as recorded:
            items = collected(recorded.ask, TRACES)
        answers = {"events": table, "events-timeseries": timeseries}
        with sentry_api(data=lambda path, query: answers[path](items[query["dataset"][0]], query)) as sentry:
            path = f"/api/0/organizations/{ORGANIZATION}/dashboards/"
            _, made = sentry.respond("POST", path, {}, f"Bearer {TOKEN}", board(SEARCH))
            drawn = on_a_terminal(view_command(made["id"]), variables(sentry.url, Path(name)))
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text.from_ansi(drawn[drawn.index("╭") :].rstrip()))
    PICTURE.write_text(console.export_svg(title=SEARCH.title, code_format=SVG_FORMAT, unique_id="sentry"), "utf-8")


def on_a_terminal(command: list[str], environment: dict[str, str]) -> str:
    """What a command writes to a terminal that has colours."""
    colours = {"FORCE_COLOR": "3", "TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
    process, terminal = pty.fork()
    if process == 0:
        termios.tcsetwinsize(1, (100, COLUMNS))
        plain = {name: value for name, value in environment.items() if name != "NO_COLOR"}
        os.execvpe(command[0], command, plain | colours)
    written = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # it has ended
            os.waitpid(process, 0)
            return written.decode().replace("\r", "")
        written += piece


if __name__ == "__main__":
    main()
