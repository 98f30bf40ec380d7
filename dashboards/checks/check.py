"""`telemetry dashboards check`: whether the generated files are up to date, and boards and rules keep ours."""

from dashboards.boards import BOARDS
from dashboards.checks import rules
from dashboards.checks.files import stale
from dashboards.checks.lint import lint
from dashboards.rendering.grafana import dashboard


def check() -> int:
    """Print what is wrong, a line each; return the exit status."""
    found = wrong()
    print(*found or [f"{len(BOARDS)} boards, and the rules: up to date, and nothing is wrong."], sep="\n")
    return 1 if found else 0


def wrong() -> list[str]:
    """Return what is wrong, a line each."""
    outdated = [f"dashboards/{path} is not up to date: run telemetry dashboards build" for path in stale()]
    return [*outdated, *rules.lint(), *(line for board in BOARDS for line in lint(dashboard(board)))]
