"""Parsers of `telemetry collect`, `compact`, `services`, `traces`, `trace`, `logs` and `metrics`.

Every call of `telemetry` imports this module, so the work, with its heavy packages, is imported when a command runs.
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

Run = Callable[[argparse.Namespace], int]


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the local collector's commands."""
    _add_collect(subparsers.add_parser("collect", help="run the local collector", description=_COLLECT))
    _add_criticalpath(
        subparsers.add_parser(
            "criticalpath", help="critical paths as metrics, beside the real Collector", description=_CRITICALPATH
        )
    )
    _add_compact(subparsers.add_parser("compact", help="make the store's file smaller", description=_COMPACT))
    for name, brief, describe in (
        ("services", "services and their operations", _add_services),
        ("traces", "traces, latest first", _add_traces),
        ("trace", "one trace as a tree", _add_trace),
        ("logs", "log records, the latest last", _add_logs),
        ("metrics", "metrics, or the latest values of one", _add_metrics),
    ):
        parser = subparsers.add_parser(name, help=brief, description=f"Show {brief}. {_WHERE}")
        parser.add_argument("--json", action="store_true", help="the API's JSON instead of text")
        parser.add_argument(
            "--store", type=Path, metavar="PATH", help="read this store; must not be in use by a collector"
        )
        parser.add_argument("--api", metavar="HOST:PORT", help="read from this collector; https://HOST:PORT for TLS")
        describe(parser)
        parser.set_defaults(run=_reading(name), leaves_nothing=True)


_COLLECT = (
    "Receive OTLP over gRPC and HTTP, store it, and answer the other commands, until Ctrl-C. "
    "SEARCH_TELEMETRY_COLLECTOR_TOKEN may set a token, SEARCH_TELEMETRY_COLLECTOR_TOKEN_FILE a file of tokens."
)
_CRITICALPATH = (
    "Receive spans over gRPC, wait until their traces are complete, and export as metrics which stages held the "
    "critical path, until Ctrl-C. The local collector does this by itself; this program does it beside the real "
    "Collector, which sends it all spans by the layer criticalpath.yaml."
)
_COMPACT = (
    "Copy the store into a new file without the space of deleted telemetry, and replace the old file with it. "
    "No collector may use it. The old file is kept until the new one is complete."
)
_WHERE = "Reads from the running collector; if none runs, from the default store."


def _add_collect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--store", type=Path, metavar="PATH", help="DuckDB file (default: in your data directory)")
    parser.add_argument("--grpc", default="127.0.0.1:4317", metavar="HOST:PORT", help="OTLP over gRPC (%(default)s)")
    parser.add_argument("--http", default="127.0.0.1:4318", metavar="HOST:PORT", help="OTLP over HTTP (%(default)s)")
    parser.add_argument("--api", default="127.0.0.1:4319", metavar="HOST:PORT", help="query API (%(default)s)")
    parser.add_argument(
        "--retention",
        default="7d",
        metavar="AGE",
        help="delete older telemetry: 12h, 7d, 4w, off (%(default)s)",
    )
    parser.add_argument(
        "--max-size",
        default="2GB",
        metavar="SIZE",
        help="delete the oldest telemetry above this size: 500MB, 2GB, off (%(default)s)",
    )
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="tokens of senders and readers, one a line")
    parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="use TLS, with this certificate (PEM)")
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="with this private key (PEM)")
    parser.add_argument(
        "--tls-client-ca", type=Path, metavar="FILE", help="require client certificates of these authorities (PEM)"
    )
    parser.add_argument("--allow-anonymous", action="store_true", help="listen beyond loopback without a token")
    parser.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="allow web pages of this origin to send: https://shop.example",
    )

    def run(args: argparse.Namespace) -> int:
        from collector.local.cli.collect import collect

        return _with_errors(collect)(args)

    parser.set_defaults(run=run, leaves_nothing=True)  # until it opens a store; then it handles Ctrl-C itself


def _add_criticalpath(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--grpc", default="127.0.0.1:4320", metavar="HOST:PORT", help="spans over gRPC (%(default)s)")
    parser.add_argument(
        "--endpoint", metavar="URL", help="where metrics go (OTEL_EXPORTER_OTLP_*, else http://localhost:4317)"
    )
    parser.add_argument("--allow-anonymous", action="store_true", help="listen beyond loopback without a token")

    def run(args: argparse.Namespace) -> int:
        from collector.local.cli.criticalpath import criticalpath

        return _with_errors(criticalpath)(args)

    parser.set_defaults(run=run, leaves_nothing=True)  # until it listens; then it handles Ctrl-C itself


def _add_compact(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--store", type=Path, metavar="PATH", help="DuckDB file (default: in your data directory)")

    def run(args: argparse.Namespace) -> int:
        from collector.local.cli.compact import compact_store

        return _with_errors(compact_store)(args)

    parser.set_defaults(run=run)


def _add_services(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--service", metavar="NAME", help="only this service; with --json its operations")


def _add_logs(parser: argparse.ArgumentParser) -> None:
    _add_filter(parser, "service=gateway level>=warn timeout")
    parser.add_argument("--trace", metavar="ID", help="of this trace: an id, the beginning of one, or `last`")
    parser.add_argument("--service", metavar="NAME", help="of this service")
    parser.add_argument(
        "--level",
        type=str.lower,
        choices=("trace", "debug", "info", "warn", "warning", "error", "fatal", "critical"),
        metavar="LEVEL",
        help="of this level or above: trace, debug, info, warn, error, fatal",
    )
    _add_time(parser, "written")
    _add_paging(parser, "log records", "log records as they arrive", 100, (int, int))


def _add_traces(parser: argparse.ArgumentParser) -> None:
    _add_filter(parser, "service=clip_encoder duration>50ms len_docs>=10 status=error")
    parser.add_argument("--service", metavar="NAME", help="with a span of this service")
    parser.add_argument("--operation", metavar="NAME", help="with a span of this name")
    parser.add_argument("--status", choices=("unset", "ok", "error"), help="with a span of this status")
    parser.add_argument(
        "--min-duration",
        type=partial(_duration, option="--min-duration", example="50ms"),
        metavar="TIME",
        help="that took at least this long: 50ms, 1.5s",
    )
    parser.add_argument(
        "--attribute",
        action="append",
        type=_pair,
        metavar="KEY=VALUE",
        help="with a span that has it; may be repeated",
    )
    _add_time(parser, "that began")
    parser.add_argument("--batches", action="store_true", help="include those of dynamic batching")
    parser.add_argument("--slowest", action="store_true", help="the longest first, not the latest")
    parser.add_argument("--shared", action="store_true", help="what these traces share, more often than the others")
    _add_paging(parser, "traces", "traces as they complete", 20, (int, str))


def _add_filter(parser: argparse.ArgumentParser, example: str) -> None:
    """Add the filter language; a filter in several words of the shell is one."""
    parser.add_argument("filter", nargs="*", metavar="FILTER", help=f"that match, in quotes: '{example}'")


def _add_paging(parser: argparse.ArgumentParser, what: str, follows: str, usual: int, cursor: tuple[type, ...]) -> None:
    parser.add_argument("--limit", type=_limit, metavar="N", help=f"{what} at most ({usual}; 10 with --follow)")
    pages = parser.add_mutually_exclusive_group()
    pages.add_argument(
        "--before",
        type=partial(_cursor, kinds=cursor),
        metavar="CURSOR",
        help="the `next` cursor of the previous page (see --json)",
    )
    pages.add_argument("--follow", action="store_true", help=f"keep printing {follows}, until Ctrl-C")


def _add_trace(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("trace_id", metavar="ID", help="an id, the beginning of one, or `last`: the latest request")
    wait = partial(_duration, option="--wait", example="5s", at_most_s=60)
    parser.add_argument("--wait", type=wait, metavar="TIME", help="wait up to this long for a complete trace: 5s")
    parser.add_argument("--all", action="store_true", help="all spans of a very large trace")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="also write the picture to a file")
    parser.add_argument(
        "--otlp",
        type=Path,
        metavar="FILE",
        help="write it as OTLP JSON instead, for any receiver; -: to standard output",
    )


def _add_metrics(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="the latest values of this metric")
    parser.add_argument(
        "--by",
        type=lambda text: text.split(","),
        default=[],
        metavar="KEY,KEY",
        help="a row for each value of these attributes, the highest first",
    )
    parser.add_argument(
        "--attribute", action="append", default=[], type=_pair, metavar="KEY=VALUE", help="only series that have it"
    )
    _add_time(parser, "what was counted")


def _add_time(parser: argparse.ArgumentParser, what: str) -> None:
    """Add `--since` and `--until`."""
    for option, word in (("--since", "from then on"), ("--until", "until then")):
        kind = partial(_moment, option=option)
        parser.add_argument(
            option, type=kind, metavar="TIME", help=f"{what} {word}: 5m ago, 2026-11-30T02:41:07 in UTC"
        )


def _limit(text: str) -> int:
    from collector.local.api.parameters import MAX_LIMIT

    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_LIMIT):
        raise argparse.ArgumentTypeError(f"must be 1 to {MAX_LIMIT}, got {text}.")
    return int(text)


def _cursor(text: str, kinds: tuple[type, ...]) -> str:
    from collector.local.query import QueryError
    from collector.local.query.cursor import decode

    try:
        decode(text, *kinds)
    except QueryError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a cursor of this list.\n{error.hint}") from error
    return text


def _pair(text: str) -> str:
    key, equals, _ = text.partition("=")
    if not (key and equals):
        hint = "Write --attribute KEY=VALUE, for example --attribute db.collection.name=pamazon."
        raise argparse.ArgumentTypeError(f"{text!r} is not a filter.\n{hint}")
    return text


def _moment(text: str, option: str) -> str:
    from collector.local.query import QueryError, parse_moment

    try:
        parse_moment(text, option, 0)
    except QueryError as error:
        hint = f"Write how long ago, {option} 5m, or a time in UTC, {option} 2026-11-30T02:41:07."
        raise argparse.ArgumentTypeError(f"{text!r} is not a time.\n{hint}") from error
    return text


def _duration(text: str, option: str, example: str, at_most_s: float = float("inf")) -> str:
    from collector.local.query import QueryError, parse_duration

    try:
        nanoseconds = parse_duration(text, option)
    except QueryError as error:
        hint = f"Write a number and a unit: {option} {example}."
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration.\n{hint}") from error
    if nanoseconds > at_most_s * 1e9:
        message = f"must be at most {at_most_s:g}s, got {text}."
        raise argparse.ArgumentTypeError(f"{message}\nRepeat the command to wait longer.")
    return text


def _reading(name: str) -> Run:
    def run(args: argparse.Namespace) -> int:
        from collector.local.cli import read

        return _with_errors(getattr(read, name))(args)

    return run


def _with_errors(work: Run) -> Run:
    """Convert the collector's errors to those that the `telemetry` command prints without a stack trace."""

    def run(args: argparse.Namespace) -> int:
        from collector.local.errors import CollectorError, sentence
        from telemetry.errors import TelemetryError

        try:
            return work(args)
        except CollectorError as error:
            raise TelemetryError(sentence(error.message), sentence(error.hint)) from error

    return run
