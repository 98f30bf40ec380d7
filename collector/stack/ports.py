"""Ports for a stack: the usual ones, or free ones.

In: programs. Out: a port for everything that they listen for. State: none.
"""

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
"""Where free ports are looked for: below those that systems give to outgoing connections (from 32768 on for Linux), one
of which could take the port of a program that is killed and started again."""


def require_known(programs: Sequence[Program], others: Iterable[str]) -> None:
    """Raise a `StackError` for the first of these that is no `PROGRAM.USE` of the programs."""
    known = [f"{program.name}.{port.use}" for program in programs for port in program.ports]
    for other in others:
        if other not in known:
            raise StackError(f"--port {other!r} is not one of {', '.join(known)}.", did_you_mean(other, known))


def usual_ports(programs: Sequence[Program], others: Mapping[str, int]) -> Mapping[str, int]:
    """The ports that documentation and dashboards name, or others for some, each free.

    Raises:
        StackError: some are taken, and it says by whom.
    """
    ports = {f"{program.name}.{port.use}": port.usual for program in programs for port in program.ports}
    ports.update(others)
    problems = [problem for key, port in ports.items() if (problem := _problem(key, port))]
    if problems:
        raise StackError("\n".join(problems), "End what holds them, or choose others with --port PROGRAM.USE=PORT.")
    return ports


def free_ports(programs: Sequence[Program]) -> Mapping[str, int]:
    """Free ports, all different: they are held until the last one is found."""
    with contextlib.ExitStack() as held:

        def free() -> int:
            listening = held.enter_context(socket.socket())
            while True:
                port = random.choice(FREE)  # noqa: S311 (no secret)
                with contextlib.suppress(OSError):  # somebody has it
                    listening.bind((HOST, port))
                    return port

        return {f"{program.name}.{port.use}": free() for program in programs for port in program.ports}


def _problem(key: str, port: int) -> str:
    """What is wrong with a port, or ""."""
    with socket.socket() as trying:
        trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one just left is free
        try:
            trying.bind((HOST, port))
        except OSError as error:
            problem: PortTakenError = taken(f"{HOST}:{port}", "port", error)
            return f"{key}: {problem.message}"
    return ""
