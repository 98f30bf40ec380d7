"""Chooses the ports of a stack: the usual ones, or free ones."""

import contextlib
import random
import socket
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from collector.local.errors import PortTakenError
from collector.local.net.listen import taken
from collector.stack.errors import StackError
from collector.stack.programs.program import HOST, Program
from telemetry.errors import did_you_mean

FREE: Final = range(15_000, 32_000)
"""The range of free ports: below those of outgoing connections (from 32768 on Linux), which could take the port of a
program that is killed and restarted."""


def require_known(programs: Sequence[Program], others: Iterable[str]) -> None:
    """Raise a `StackError` for the first of these that is not a `PROGRAM.USE` of the programs."""
    known = [f"{program.name}.{port.use}" for program in programs for port in program.ports]
    for other in others:
        if other not in known:
            raise StackError(f"--port {other!r} is not one of {', '.join(known)}.", did_you_mean(other, known))


def usual_ports(programs: Sequence[Program], others: Mapping[str, int]) -> Mapping[str, int]:
    """The default ports, or others for some, each free.

    Raises:
        StackError: a port is taken; the error names the process.
    """
    ports = {f"{program.name}.{port.use}": port.usual for program in programs for port in program.ports}
    ports.update(others)
    problems = [problem for key, port in ports.items() if (problem := _problem(key, port))]
    if problems:
        raise StackError("\n".join(problems), "End those programs, or use other ports: --port PROGRAM.USE=PORT.")
    return ports


def free_ports(programs: Sequence[Program]) -> Mapping[str, int]:
    """Free ports, all different: each is bound until the last one is found."""
    with contextlib.ExitStack() as held:

        def free() -> int:
            listening = held.enter_context(socket.socket())
            while True:
                port = random.choice(FREE)  # noqa: S311 (no secret)
                with contextlib.suppress(OSError):  # it is in use
                    listening.bind((HOST, port))
                    return port

        return {f"{program.name}.{port.use}": free() for program in programs for port in program.ports}


def _problem(key: str, port: int) -> str:
    """Why a port cannot be used, or ""."""
    with socket.socket() as trying:
        trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free
        try:
            trying.bind((HOST, port))
        except OSError as error:
            problem: PortTakenError = taken(f"{HOST}:{port}", "port", error)
            return f"{key}: {problem.message}"
    return ""
