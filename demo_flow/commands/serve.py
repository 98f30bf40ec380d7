"""`pamazon serve ROLE`: one process of the flow, in the foreground; `pamazon up` starts one for each role.

It serves until SIGTERM or Ctrl-C (see `serving.server`).
"""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from demo_flow.commands.options import (
    NO_PAGE,
    Subparsers,
    add_argument,
    address,
    data_folder,
    label,
    page_address,
    page_of,
)
from demo_flow.flow import GATEWAY, NAMESPACE, REGIONS, ROLES, Role
from demo_flow.span_counts import last_line
from demo_flow.version import own_version

if TYPE_CHECKING:
    from demo_flow.serving.server import Executor, Page
    from telemetry import Telemetry


def add(subparsers: Subparsers) -> None:
    """Add the command, with one sub-command for each role; their options are the flow file's arguments."""
    parser = subparsers.add_parser("serve", help="run one process of the flow")
    roles = parser.add_subparsers(title="roles", metavar="ROLE", required=True)
    for role in ROLES.values():
        one = roles.add_parser(role.name, help=f"listens on {role.address}")
        one.add_argument("--listen", type=address, default=role.address, metavar="HOST:PORT")
        one.add_argument("--version-label", type=label, metavar="VERSION", help="its version (default: the package's)")
        one.add_argument("--follow-parent", action="store_true", help=argparse.SUPPRESS)
        if role.page:
            shop = f"where its page is ({role.page}); {NO_PAGE}: nowhere"
            one.add_argument("--shop", type=page_address, metavar="HOST:PORT", help=shop)
        for name, argument in role.options.items():
            add_argument(one, name, argument, name)
        one.set_defaults(run=run, role=role)


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C; then flush the telemetry."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # a taken port is reported by us, in one line

    import telemetry
    from demo_flow.processes import announce, follow_parent
    from demo_flow.serving.errors import MISTAKES
    from demo_flow.serving.server import serve

    if args.follow_parent:
        follow_parent()
    role: Role = args.role
    handle = telemetry.configure(
        role.name,
        namespace=NAMESPACE,
        version=args.version_label or own_version(),
        regions=REGIONS,
        logs=("console", "otlp"),
        expected_errors=MISTAKES,
    )
    logging.getLogger("demo_flow").setLevel(logging.INFO)
    try:
        load, page = _loader(role, _arguments(role, args)), _page(role, args, handle)
        asyncio.run(serve(role, args.listen, load, announce, _collectors(handle), page=page))
    finally:
        handle.shutdown(1.25)  # with what Python itself takes: gone within two seconds, whatever the collector does
    # The last line of its log holds the span counts; the handlers of `logging` have ended with the telemetry.
    print(last_line(role.name, handle.stats), file=sys.stderr)
    return 0


def _collectors(handle: "Telemetry") -> list[str]:
    settings = handle.settings
    return [exporter.endpoint for exporter in (settings.traces, settings.metrics_export, settings.logs_export)]


def _page(role: Role, args: argparse.Namespace, handle: "Telemetry") -> "Page | None":
    """Return the role's page. It sends no spans where the telemetry of this process is switched off."""
    listen = page_of(role, args.listen, args.shop) if role.page else None
    if listen is None:
        return None
    from demo_flow.shop.server import ShopServer
    from demo_flow.shop.settings import NOWHERE, Settings

    given = {name: getattr(args, name) for name in role.page_arguments}
    if handle.settings.disabled:
        given["page_otlp"] = NOWHERE
    return ShopServer(listen, Settings.of(**given, version=args.version_label or own_version()))


def _arguments(role: Role, args: argparse.Namespace) -> dict[str, Any]:
    arguments = {name: getattr(args, name) for name in role.arguments}
    for name, argument in role.arguments.items():
        if isinstance(argument.default, str) and arguments[name] == argument.default:
            arguments[name] = argument.default.format(data=data_folder())
    return arguments


def _loader(role: Role, arguments: Mapping[str, Any]) -> "Callable[[], Awaitable[Executor]]":
    """Return what makes the role's executor.

    The gateway is made in the event loop, which its channels belong to; the others, whose models and indexes take
    their time, beside it.
    """

    async def load() -> "Executor":
        if role is GATEWAY:
            return _executor_class(role)(**arguments)
        return await asyncio.to_thread(lambda: _executor_class(role)(**arguments))

    return load


def _executor_class(role: Role) -> "Callable[..., Executor]":
    from importlib import import_module

    module, _, name = role.runs.partition(":")
    executor_class: Callable[..., Executor] = getattr(import_module(module), name)
    return executor_class
