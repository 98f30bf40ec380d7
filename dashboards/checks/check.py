"""`telemetry dashboards check`: generated files are up to date, and boards, rules and runbooks keep our rules."""

from dashboards.boards import BOARDS
from dashboards.checks import pages, rules
from dashboards.checks.files import extra, stale
from dashboards.checks.lint import lint
from dashboards.rendering.grafana import dashboard


def check() -> int:
    """Print what is wrong, a line each; return the exit status."""
    found = wrong()
    right = f"{len(BOARDS)} boards, the rules and their runbooks: up to date, and nothing is wrong."
    print(*found or [right], sep="\n")
    return 1 if found else 0


def wrong() -> list[str]:
    """Return what is wrong, a line each."""
    outdated = [f"dashboards/{path} is not up to date: run telemetry dashboards build" for path in stale()]
    unknown = [f"dashboards/{path} is not generated: delete it, or keep it elsewhere" for path in extra()]
    boards = (line for board in BOARDS for line in lint(dashboard(board)))
    return [*outdated, *unknown, *rules.lint(), *pages.lint(), *boards]
