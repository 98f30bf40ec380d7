"""`telemetry dashboards check`: whether every generated file is up to date."""

from dashboards.checks.files import stale


def check() -> int:
    """Print what is wrong, a line each; return the exit status."""
    wrong = [f"dashboards/{path} is not up to date: run telemetry dashboards build" for path in stale()]
    print(*wrong or ["All generated files are up to date."], sep="\n")
    return 1 if wrong else 0
