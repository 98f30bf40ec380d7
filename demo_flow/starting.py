"""Starts Pamazon: the processes of each role of the flow file, each with the facts that it needs of those before it.

The processes belong to the caller's `Processes`.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from demo_flow.errors import PamazonError
from demo_flow.flow import CLIP_ENCODER, GATEWAY, QDRANT_INDEXER, ROLES, Role
from demo_flow.processes import Processes

SHOP: Final = "shop"
"""What the page of the gateway is called beside the roles."""
FREE_PORTS: Final[Mapping[str, str | None]] = dict.fromkeys((*ROLES, SHOP), "127.0.0.1:0")
"""Addresses for a `Plan`: each role, and the shop's page, on any free port of this machine."""

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Instance:
    """One process of a role: its number, from 1 up, and the label of its version (None: the package's version)."""

    role: Role
    number: int = 1
    version: str | None = None

    @property
    def name(self) -> str:
        """Its name in messages, and that of its log: the role's, with its number unless it is the first."""
        return f"{self.role.name}{self.suffix}"

    @property
    def suffix(self) -> str:
        """What distinguishes it from the first one."""
        return "" if self.number == 1 else f"-{self.number}"

    def address(self, first: str) -> str:
        """Return where it listens if the first one listens at `first`: at the following ports."""
        host, _, port = first.rpartition(":")
        return first if port == "0" else f"{host}:{int(port) + self.number - 1}"


@dataclass(frozen=True, slots=True)
class Plan:
    """Where Pamazon keeps its data, and how it differs from the flow file, by the name of a role.

    `listen` is where a role listens, `HOST:PORT` (port 0 is any free one), and `SHOP` the gateway's page (None:
    nowhere); `elsewhere` the address of one that runs already and is not started; `arguments` its arguments by name;
    `replicas` how many instances it has. `version` is the label of the processes' version; where the gateway splits the
    searches, that of one clip_encoder more. `catalogue` is the folder whose pictures the shop shows, None for our own.
    """

    data: Path
    listen: Mapping[str, str | None] = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    replicas: Mapping[str, int] = field(default_factory=dict)
    version: str | None = None
    catalogue: Path | None = None

    def instances(self, role: Role) -> Sequence[Instance]:
        """Return the processes of a role."""
        split = self.arguments.get(GATEWAY.name, {}).get("split", 0)
        version = None if split else self.version
        found = [Instance(role, number + 1, version) for number in range(self.replicas.get(role.name, 1))]
        if split and role is CLIP_ENCODER:
            found.append(Instance(role, len(found) + 1, self.version))
        return found


@dataclass(frozen=True, slots=True)
class Pamazon:
    """The running flow: what each process announced, `address` and `role` among it, by the name of the process."""

    facts: Mapping[str, Facts]

    @property
    def addresses(self) -> Mapping[str, str]:
        """The address of each process."""
        return {name: facts["address"] for name, facts in self.facts.items()}

    @property
    def shops(self) -> Sequence[str]:
        """The addresses of the shop's page: one, or none."""
        return [facts["shop"] for facts in self.facts.values() if "shop" in facts]

    @property
    def points(self) -> Mapping[str, int]:
        """The points that each indexer holds."""
        return {name: f["points"] for name, f in self.facts.items() if f["role"] == QDRANT_INDEXER.name}

    def counted(self) -> "Pamazon":
        """Return it with the points that each indexer holds now. Raises PamazonError."""
        from demo_flow.client import describe

        now = dict(self.facts)
        for name in self.points:
            points = int(describe(QDRANT_INDEXER, now[name]["address"], "points")["points"])
            now[name] = {**now[name], "points": points}
        return replace(self, facts=now)


def open_pamazon(plan: Plan, processes: Processes, report: Callable[[str], None] = lambda _: None) -> Pamazon:
    """Start the processes and wait until each is ready. Raises PamazonError.

    The roles start one after the other, the gateway last: what a role needs to know of an earlier one is there by then.
    `report` is called with what is being waited for.
    """
    facts: dict[str, dict[str, Facts]] = {}
    for role in sorted(ROLES.values(), key=lambda role: role is GATEWAY):
        report(f"{role.name} starts")
        facts[role.name] = _open(role, plan, processes, facts)
    return Pamazon({name: each for role in ROLES for name, each in facts[role].items()})


def _open(role: Role, plan: Plan, processes: Processes, earlier: Mapping[str, Mapping[str, Facts]]) -> dict[str, Facts]:
    """Start the instances of a role, all at once, and return their facts by their names."""
    known = {name: _of_all(list(facts.values())) for name, facts in earlier.items()}
    facts: dict[str, Facts] = {}
    started = []
    for instance in plan.instances(role):
        if instance.number == 1 and role.name in plan.elsewhere:
            facts[instance.name] = _elsewhere(plan.elsewhere[role.name])
        else:
            started.append((instance, processes.start_role(instance.name, _command(instance, plan, known))))
    for instance, process in started:
        version = {"version": instance.version} if instance.version else {}
        facts[instance.name] = {**processes.ready(process), **version}
    if len({each.get("space") for each in facts.values()}) > 1:
        models = ", ".join(f"{name} has {each['model']}" for name, each in facts.items())
        raise PamazonError(
            f"The encoders' vectors do not belong together: {models}.", "Start all of them with the same --model."
        )
    return facts


def _of_all(facts: Sequence[Facts]) -> Facts:
    """Return the facts of a role: its first instance's, and the addresses of all."""
    return {**facts[0], "addresses": ",".join(each["address"] for each in facts)}


def _command(instance: Instance, plan: Plan, known: Mapping[str, Facts]) -> list[str]:
    role = instance.role
    listen = instance.address(plan.listen.get(role.name) or role.address)
    command = [sys.executable, "-m", "demo_flow", "serve", role.name, f"--listen={listen}", "--follow-parent"]
    if instance.version:
        command.append(f"--version-label={instance.version}")
    if role.page:
        command.append(f"--shop={plan.listen.get(SHOP, role.page) or 'none'}")
    given = plan.arguments.get(role.name, {})
    facts = {"data": plan.data, "store": instance.suffix, "catalogue": plan.catalogue or "", **known}
    for name, argument in role.options.items():
        filled = argument.filled.format(**facts) if argument.filled else None
        value = filled if given.get(name) is None else given[name]
        option = f"--{name.replace('_', '-')}"
        if value is True:
            command.append(option)
        elif value is not None and value is not False and value != "":
            command.append(f"{option}={value}")
    return command


def _elsewhere(address: str) -> Facts:
    """Ask an encoder that runs elsewhere what it is."""
    from demo_flow.client import describe

    return {"role": CLIP_ENCODER.name, "address": address, **describe(CLIP_ENCODER, address, "dimension")}
