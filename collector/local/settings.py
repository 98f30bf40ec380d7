"""The limits of the local collector, each declared once."""

from __future__ import annotations

from dataclasses import dataclass, fields

from collector.local.errors import SettingsError

MIB = 1 << 20
MIN_STORE_BYTES = 32_000_000
"""The smallest limit of a store's size: its tables alone have some hundred columns, each in blocks of 256 KiB."""


@dataclass(frozen=True, slots=True)
class CollectorSettings:
    """Limits of what the collector holds and accepts, and of how long it waits.

    The error of a limit names it as it is spelled here.
    """

    max_request_bytes: int = 16 * MIB
    """One export, after decompression."""
    queue_bytes: int = 64 * MIB
    """Bytes of all exports received and not yet stored, before decoding; decoded they take a few times as much."""
    queue_exports: int = 2_048
    """Number of exports received and not yet stored."""
    group_bytes: int = 4 * MIB
    """Bytes of exports written in one transaction; more wait for the next."""
    retry_after_s: float = 1.0
    """How many seconds a refused sender is asked to wait."""
    read_timeout_s: float = 30.0
    """How long the body of one export may take to arrive."""
    slow_after_s: float = 1.0
    """An export that takes longer to arrive is refused when others wait for its place."""
    receiving_exports: int = 8
    """Exports whose bodies may be arriving at once; the others wait in their connections."""
    max_connections: int = 512
    """Open connections to each port; beyond it, the one that has been idle for longest is closed."""
    max_streams: int = 128
    """Exports at once on one gRPC connection."""
    handshake_timeout_s: float = 10.0
    """How long the handshake of TLS or HTTP/2 may take."""
    header_timeout_s: float = 10.0
    """How long the head of one HTTP request may take to arrive."""
    idle_timeout_s: float = 60.0
    """How long an HTTP connection is kept open for the next request."""
    max_header_bytes: int = 32_768
    """Request line and headers of one HTTP request, or the metadata of one gRPC call."""
    max_records: int = 100_000
    """Spans, metrics or log records in one export."""
    max_json_values: int = 2_000_000
    """Values in one export in JSON, estimated by counting commas and opening brackets."""
    max_record_bytes: int = 4 * MIB
    """One span, metric or log record."""
    max_elements: int = 10_000
    """For each of these: attributes, events or links of one span, buckets of a point, elements of one list."""
    max_depth: int = 32
    """Nesting of lists and maps in one attribute."""
    remembered_exports: int = 100_000
    """How many exports are remembered, to recognise one that is sent again."""
    remembered_age_s: float = 86_400.0
    """How long an export is remembered at most."""
    reopen_after_s: float = 1.0
    """How long to wait before a failed store is opened again."""
    memory_limit_bytes: int = 192 * MIB
    """Memory that DuckDB may use; beyond it, queries spill to disk."""
    checkpoint_bytes: int = 64 * MIB
    """Size of the write-ahead log at which DuckDB moves it into the store; at most an eighth of max_store_bytes."""
    retention_s: float | None = 7 * 86_400.0
    """Telemetry older than this, by its arrival, is deleted; None: it is kept."""
    max_store_bytes: int | None = 2_000_000_000
    """If more bytes of the store are in use, the oldest telemetry is deleted; None: no limit but the disk."""

    def __post_init__(self) -> None:
        problems = [
            f"{field.name}={value!r} must be above 0"
            for field in fields(self)
            if (value := getattr(self, field.name)) is not None and not value > 0
        ]
        if self.max_store_bytes is not None and 0 < self.max_store_bytes < MIN_STORE_BYTES:
            problems.append(
                f"max_store_bytes={self.max_store_bytes} is below {MIN_STORE_BYTES}, the minimum for DuckDB"
            )
        if self.max_request_bytes > self.queue_bytes:
            problems.append(
                f"max_request_bytes={self.max_request_bytes} is above queue_bytes={self.queue_bytes}: "
                "an export of that size could never be accepted"
            )
        if problems:
            raise SettingsError("; ".join(problems), "remove them to use the defaults")

    def effective_checkpoint_bytes(self) -> int:
        """`checkpoint_bytes`, reduced so that the log of a small store stays small."""
        if self.max_store_bytes is None:
            return self.checkpoint_bytes
        return min(self.checkpoint_bytes, self.max_store_bytes // 8)
