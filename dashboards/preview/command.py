"""`telemetry dashboards preview`: serves the page until a signal ends the process.

In: the command's arguments. Out: the page, at the address that is printed. State: the socket, for as long as it runs.
"""

import argparse
import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from rich.console import Console
from rich.text import Text

from dashboards.preview import bundle
from dashboards.preview.address import base_url, bind, shown, split, url_of
from dashboards.preview.app import create_app
from dashboards.preview.proxy import Prometheus


class _Server(uvicorn.Server):
    """uvicorn, which leaves signals to the process: nothing has to be saved, so that Ctrl-C ends it at once."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def preview(args: argparse.Namespace) -> int:
    """Serve the page; return the exit status, if a signal does not end the process before.

    Raises:
        PreviewError: the page is not built, an address is not one, or the port is taken.
    """
    page, url = bundle.find(args.page), base_url(args.prometheus)
    jaeger = base_url(args.jaeger, "--jaeger", "Jaeger", 16686) if args.jaeger else None
    with bind(args.listen) as listening:
        _show("● ", "bold green", f"boards at {url_of(listening)}  Ctrl-C ends it.")
        _show("  ", "", f"data of {shown(url)}")
        if problem := asyncio.run(_problem(url)):
            _show("! ", "bold yellow", f"{problem}. The page shows when it can.")
        app = create_app(page, Prometheus(url), [split(args.listen)[0]], jaeger)
        config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, ws="none")
        _Server(config).run([listening])
    return 0


async def _problem(url: httpx.URL) -> str:
    prometheus = Prometheus(url)
    try:
        return await prometheus.problem()
    finally:
        await prometheus.close()


def _show(mark: str, style: str, line: str) -> None:
    Console().print(Text.assemble((mark, style), line), soft_wrap=True)
