"""Starts Pamazon: a process for each role of the flow file, each with the facts that it needs of those before it.

The processes belong to the caller's `Processes`.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from demo_flow.flow import CLIP_ENCODER, GATEWAY, ROLES, Role
from demo_flow.processes import Processes

FREE_PORTS: Final[Mapping[str, str]] = dict.fromkeys(ROLES, "127.0.0.1:0")
"""Addresses for a `Plan`: each role on any free port of this machine."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Where Pamazon keeps its data, and how it differs from the flow file, by the name of a role.

    `listen` is where a role listens, `HOST:PORT` (port 0 is any free one); `elsewhere` the address of one that runs
    already and is not started; `arguments` its arguments by name.
    """

    data: Path
    listen: Mapping[str, str] = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pamazon:
    """The running flow: what each role announced, its address among it."""

    facts: Mapping[str, Mapping[str, Any]]

    @property
    def addresses(self) -> Mapping[str, str]:
        """The address of each role."""
        return {name: facts["address"] for name, facts in self.facts.items()}


def open_pamazon(plan: Plan, processes: Processes, report: Callable[[str], None] = lambda _: None) -> Pamazon:
    """Start the processes and wait until each is ready. Raises PamazonError.

    They start one after the other, the gateway last: what a role needs to know of an earlier one is there by then.
    `report` is called with what is being waited for.
    """
    facts: dict[str, Mapping[str, Any]] = {}
    for role in sorted(ROLES.values(), key=lambda role: role is GATEWAY):
        report(f"{role.name} starts")
        if role.name in plan.elsewhere:
            facts[role.name] = _elsewhere(plan.elsewhere[role.name])
        else:
            facts[role.name] = _start(role, plan, processes, facts)
    return Pamazon({name: facts[name] for name in ROLES})


def _start(role: Role, plan: Plan, processes: Processes, facts: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    listen = plan.listen.get(role.name, role.address)
    command = [sys.executable, "-m", "demo_flow", "serve", role.name, f"--listen={listen}", "--follow-parent"]
    given = plan.arguments.get(role.name, {})
    for name, argument in role.arguments.items():
        filled = argument.filled.format(data=plan.data, **facts) if argument.filled else None
        value = given.get(name, filled)
        option = f"--{name.replace('_', '-')}"
        if value is True:
            command.append(option)
        elif value is not None and value is not False:
            command.append(f"{option}={value}")
    return processes.ready(processes.start_role(role.name, command))


def _elsewhere(address: str) -> Mapping[str, Any]:
    """Ask an encoder that runs elsewhere what it is."""
    from demo_flow.client import describe

    return {"address": address, **describe(CLIP_ENCODER, address, "dimension")}
