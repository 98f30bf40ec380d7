"""A figure of a board's first row."""

from dashboards.boards import shared_links
from dashboards.model import Draw, Link, Panel, Query, Step, Unit


def stat(
    title: str, description: str, expr: str, unit: Unit, limits: tuple[Step, ...] = (), *,
    to: tuple[Link, ...] = shared_links.OF_FLOW, nothing: str = "–",
) -> Panel:  # fmt: skip
    """Return a panel with one large value, six of which stand side by side."""
    return Panel(
        title, description, Draw.STAT, (Query(expr),), unit, limits, width=4, height=4, links=to, nothing=nothing
    )  # fmt: skip
