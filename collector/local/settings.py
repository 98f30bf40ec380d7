"""The limits of the local collector, each declared once.

In: keyword arguments. Out: a frozen `CollectorSettings`, or one `SettingsError` that names every mistake. No state.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from collector.local.errors import SettingsError

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class CollectorSettings:
    """Bounds of what the collector holds, accepts and waits for.

    Every error that comes from a limit names it as it is spelled here.
    """

    max_request_bytes: int = 16 * MIB
    """One export, after decompression."""
    queue_bytes: int = 64 * MIB
    """Exports received and not yet stored, all together, before decoding; decoded they take a few times that."""
    queue_exports: int = 2_048
    """Exports received and not yet stored, by number."""
    group_bytes: int = 4 * MIB
    """Exports that are written in one transaction; more wait for the next."""
    retry_after_s: float = 1.0
    """What a refused sender is told to wait."""
    read_timeout_s: float = 30.0
    """How long the body of one HTTP export may take to arrive."""
    remembered_exports: int = 100_000
    """How many exports are remembered to recognise one that is sent again."""
    remembered_age_s: float = 86_400.0
    """For how long, at most, an export is remembered."""
    reopen_after_s: float = 1.0
    """How long to wait before a store that failed is tried again."""
    memory_limit_bytes: int = 1_024 * MIB
    """What DuckDB may hold in memory; beyond it, queries spill to disk."""
    checkpoint_bytes: int = 64 * MIB
    """Size of the write-ahead log at which DuckDB moves it into the store."""

    def __post_init__(self) -> None:
        problems = [
            f"{field.name}={getattr(self, field.name)!r} must be above 0"
            for field in fields(self)
            if not getattr(self, field.name) > 0
        ]
        if self.max_request_bytes > self.queue_bytes:
            problems.append(
                f"max_request_bytes={self.max_request_bytes} is above queue_bytes={self.queue_bytes}: "
                "such an export could never be accepted"
            )
        if problems:
            raise SettingsError("; ".join(problems), "leave them out for the defaults")
