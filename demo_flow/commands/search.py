"""`pamazon search`: finds goods by text or picture, and draws the trace of the search.

The process is instrumented like any client: the root span of the trace is its call.
"""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from demo_flow import jaeger
from demo_flow.commands.failing import fail
from demo_flow.commands.options import Subparsers, add_gateway, address, at_least, between
from demo_flow.errors import PamazonError
from demo_flow.flow import REGIONS
from telemetry.conventions import PLATFORMS

if TYPE_CHECKING:
    from demo_flow.proto.pamazon_pb2 import SearchRequest, SearchResponse
    from demo_flow.showing import ShownTrace


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser("search", help="find goods by text or by picture")
    parser.add_argument("query", nargs="?", metavar="QUERY", help="what to look for, in any of fifteen languages")
    parser.add_argument("--image", type=Path, metavar="PATH", help="look for what this picture shows")
    parser.add_argument("--limit", type=int, default=10, metavar="N", help="results, 1 to 100 (%(default)s)")
    parser.add_argument(
        "--exact", action="store_true", help="compare with every item instead of using the index's graph"
    )
    parser.add_argument(
        "--threshold",
        type=between(0.0, 1.0),
        metavar="SCORE",
        help="leave out what scores less; 0 shows everything (default: the model's)",
    )
    parser.add_argument(
        "--collection", default="", metavar="NAME", help="collection to search (default: the indexer's)"
    )
    parser.add_argument(
        "--timeout",
        type=at_least(0.001),
        default=10.0,
        metavar="SECONDS",
        help="time limit of the search (%(default)s)",
    )
    parser.add_argument("--platform", choices=PLATFORMS, metavar="NAME", help=f"search as {', '.join(PLATFORMS)}")
    parser.add_argument("--region", choices=REGIONS, metavar="COUNTRY", help=f"search from {', '.join(REGIONS)}")
    parser.add_argument("--json", action="store_true", help="results and trace id as JSON")
    parser.add_argument(
        "--api",
        type=address,
        default="127.0.0.1:4319",
        metavar="HOST:PORT",
        help="API of the local collector, which has the trace (%(default)s)",
    )
    parser.add_argument(
        "--jaeger",
        type=address,
        default=jaeger.ADDRESS,
        metavar="HOST:PORT",
        help="Jaeger, asked for the trace if no local collector runs (%(default)s)",
    )
    add_gateway(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Search, print what was found, and draw the trace."""
    request = _request(args)

    from demo_flow.client import GatewayClient, RequestFailed
    from demo_flow.commands import client_telemetry

    handle = client_telemetry.start()
    status, trace_id, shown = 0, None, None
    try:
        with GatewayClient(args.gateway) as client:
            response, trace_id = client.search(request, args.timeout, platform=args.platform, region=args.region)
        _show(response, trace_id, as_json=args.json)
    except RequestFailed as failure:
        if args.json or failure.callers_mistake or failure.trace_id is None:
            raise
        status, trace_id = fail(failure.message, failure.hint, 1), failure.trace_id
    finally:
        if trace_id and not args.json:
            shown = _draw(trace_id, args.api)
        handle.shutdown(1.0)
    if shown and trace_id:
        shown.finish(otherwise=lambda: _jaeger_page(trace_id, args.jaeger))
    return status


def _request(args: argparse.Namespace) -> "SearchRequest":
    from demo_flow.proto.pamazon_pb2 import SearchRequest

    if (args.query is None) == (args.image is None):
        raise PamazonError("A search takes either a text or a picture.", "Give QUERY or --image PATH, not both.")
    try:
        image = args.image.read_bytes() if args.image else None
    except OSError as error:
        raise PamazonError(f"The picture {args.image} cannot be read: {error.strerror}.", "Check the path.") from error
    try:
        return SearchRequest(
            text=args.query,
            image=image,
            limit=args.limit,
            exact=args.exact,
            collection=args.collection,
            threshold=args.threshold,
        )
    except ValueError as error:
        raise PamazonError(f"The request cannot be sent: {error}.", "Ask for 1 to 100 results.") from error


def _show(response: "SearchResponse", trace_id: str | None, *, as_json: bool) -> None:
    from demo_flow.showing import print_results, result

    if as_json:
        found = {"results": [result(match) for match in response.results], "trace_id": trace_id}
        print(json.dumps(found, ensure_ascii=False), flush=True)
    else:
        print_results(response)


def _jaeger_page(trace_id: str, address: str) -> str | None:
    """Return the line that names the trace's page in Jaeger; None if Jaeger does not answer."""
    page = jaeger.page_of(trace_id, address)
    if page is None:
        return None
    url, there = page
    return (
        f"Trace: {url}" if there else f"Trace: {url} (not there yet; gateways that sample keep a share of the traces)"
    )


def _draw(trace_id: str, api: str) -> "ShownTrace":
    from demo_flow.showing import ShownTrace

    return ShownTrace(trace_id, api)
