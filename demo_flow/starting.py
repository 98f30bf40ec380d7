"""Opens Pamazon: its three processes, each with what it has to know of the others.

In: what the command line says of addresses, model and index. Out: running processes and their facts. State: none; the
processes belong to the caller's `Processes`.
"""

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo_flow.flow import CLIP_ENCODER, GATEWAY, QDRANT_INDEXER, Role
from demo_flow.processes import Processes


@dataclass(frozen=True, slots=True)
class Plan:
    """Where Pamazon's processes listen, and what they work with. Addresses are `HOST:PORT`; port 0 is any free one."""

    data: Path
    gateway: str = GATEWAY.address
    clip_encoder: str = CLIP_ENCODER.address
    qdrant_indexer: str = QDRANT_INDEXER.address
    encoder: str | None = None
    model: str = "pamazon-tiny"
    runtime: str | None = None
    device: str = "cpu"
    qdrant_url: str | None = None
    collection: str = "goods"
    recreate: bool = False


@dataclass(frozen=True, slots=True)
class Pamazon:
    """The running flow: addresses by role, and what encoder and indexer say of themselves."""

    addresses: Mapping[str, str]
    encoder: Mapping[str, Any]
    indexer: Mapping[str, Any]


def open_pamazon(plan: Plan, processes: Processes, say: Callable[[str], None] = lambda _: None) -> Pamazon:
    """Start the processes and wait until each is ready. Raises PamazonError.

    The indexer comes after the encoder, whose model decides how long its vectors are; the gateway comes last.
    `say` is told what is waited for.
    """
    say("clip_encoder loads its model")
    encoder = _elsewhere(plan.encoder) if plan.encoder else _start_encoder(plan, processes)
    say("qdrant_indexer opens its collection")
    indexer = _start_indexer(plan, processes, encoder)
    say("gateway opens")
    executors = {CLIP_ENCODER.name: encoder["address"], QDRANT_INDEXER.name: indexer["address"]}
    gateway = _start(GATEWAY, plan.gateway, processes, executors)
    return Pamazon({GATEWAY.name: gateway["address"], **executors}, encoder, indexer)


def _start(
    role: Role, listen: str, processes: Processes, arguments: Mapping[str, str | bool | None]
) -> Mapping[str, Any]:
    options = {f"--{name.replace('_', '-')}": value for name, value in arguments.items() if value not in {None, False}}
    given = [name if value is True else f"{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "demo_flow", "serve", role.name, f"--listen={listen}", "--follow-parent", *given]
    return processes.ready(processes.start(role.name, command))


def _start_encoder(plan: Plan, processes: Processes) -> Mapping[str, Any]:
    return _start(
        CLIP_ENCODER,
        plan.clip_encoder,
        processes,
        {"model": plan.model, "runtime": plan.runtime, "device": plan.device},
    )


def _start_indexer(plan: Plan, processes: Processes, encoder: Mapping[str, Any]) -> Mapping[str, Any]:
    folder = index_folder(plan.data, encoder["model"], encoder["weights"])
    arguments: dict[str, str | bool | None] = {
        "collection": plan.collection,
        "dimension": str(encoder["dimension"]),
        "path": None if plan.qdrant_url else str(folder),
        "qdrant_url": plan.qdrant_url,
        "recreate": plan.recreate,
    }
    return _start(QDRANT_INDEXER, plan.qdrant_indexer, processes, arguments)


def index_folder(data: Path, model: str, weights: str) -> Path:
    """Return the folder of the index of a model's vectors.

    Each set of weights has its own: vectors of different models never meet, and a model that was trained anew starts
    with an empty index, not with one that it does not understand.
    """
    return data / "index" / f"{re.sub(r'[^A-Za-z0-9.-]+', '-', model)}-{weights}"


def _elsewhere(address: str) -> Mapping[str, Any]:
    """Ask an encoder that runs elsewhere what it is."""
    from demo_flow.client import describe_encoder

    return {"address": address, **describe_encoder(address)}
