"""Opens the DuckDB file, and explains why it cannot be opened."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import psutil

from collector.local.errors import StoreDamagedError, StoreError, StoreForeignError, StoreHeldError
from collector.local.settings import CollectorSettings
from collector.local.store.columns import CONFIG
from collector.local.store.damage import ANOTHER, is_damage


def connect(path: Path | None, read_only: bool, settings: CollectorSettings) -> duckdb.DuckDBPyConnection:
    """Open the file, or memory.

    Raises:
        StoreHeldError: another process has it open.
        StoreDamagedError: the file is broken.
        StoreError: it cannot be opened for another reason.
    """
    config: dict[str, Any] = CONFIG | {
        "memory_limit": f"{settings.memory_limit_bytes}B",
        "checkpoint_threshold": f"{settings.effective_checkpoint_bytes()}B",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    try:
        return duckdb.connect(":memory:" if path is None else str(path), read_only=read_only, config=config)
    except duckdb.Error as error:
        raise explain(path, error) from error


def explain(path: Path | None, error: duckdb.Error) -> StoreError:
    """The `StoreError` for an error of DuckDB on opening a file."""
    text = str(error)
    if "could not set lock" in text.lower():
        return StoreHeldError(
            f"the store {path} is in use by another process{_holder(text)}",
            "`telemetry services` and the other commands read through the running collector; "
            f"stop it to open the store here, or {ANOTHER}",
        )
    if "different configuration" in text:
        return StoreHeldError(f"the store {path} is open in this process already", f"close it first, or {ANOTHER}")
    if path is not None and path.is_dir():
        return StoreError(f"the store {path} is a folder", "use a file: --store PATH")
    if is_damage(text):
        return StoreDamagedError(
            f"the store {path} is damaged or not a store: {_first_line(text)}",
            f"`telemetry collect` renames a damaged store and starts a new one; move it, or {ANOTHER}",
        )
    return _explain_other(path, text)


def _explain_other(path: Path | None, text: str) -> StoreError:
    """The error for a file of another type, of another version or without permission."""
    if "sqlite" in text.lower():  # DuckDB tries to load its extension for it
        return StoreForeignError(f"the store {path} is a file of SQLite", ANOTHER)
    if "storage version number" in text or "newer version" in text.lower():
        hint = f"use the program that wrote it, or {ANOTHER}"
        return StoreError(f"the store {path} was written by another version of DuckDB: {_first_line(text)}", hint)
    return StoreError(f"the store {path} cannot be opened: {_first_line(text)}", f"fix that, or {ANOTHER}")


def make_folder(folder: Path) -> None:
    """Create the folder of a store, with its parents."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the folder {folder} for the store cannot be created: {error.strerror}", ANOTHER) from error


def _holder(text: str) -> str:
    """The process that DuckDB names, with its command if it is `telemetry`."""
    found = re.search(r"\(PID (\d+)\)", text)
    if not found:
        return ""
    with suppress(psutil.Error):
        words = [Path(word).name for word in psutil.Process(int(found[1])).cmdline()[:3] if word]
        if words and words[0].startswith("python"):
            words = words[1:]
        if words[:1] == ["telemetry"]:
            return f" (pid {found[1]}: {' '.join(words)})"
    return f" (pid {found[1]})"


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "no reason given"
