"""What a program of the stack is, and its addresses and folders."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

HOST: Final = "127.0.0.1"
"""No program can be reached from other machines."""

CONFIG: Final = Path(__file__).parents[1] / "config"
"""The files that docker-compose mounts, too."""

DASHBOARDS: Final = Path(__file__).parents[3] / "dashboards"
"""Rules and boards, which docker-compose mounts, too; in a wheel as in the checkout they lie beside the collector."""


@dataclass(frozen=True, slots=True)
class Port:
    """One port of a program.

    Arguments: `use`, its name; `usual`, its default port; `title`, what `up` shows, "" for nothing; `scheme`, the
    address's scheme in what `up` shows; `variable`, by which the Collector's layers find it, and `form`, what that
    variable makes of the address; `scraped`, whether Prometheus finds the program's own metrics there.
    """

    use: str
    usual: int
    title: str = ""
    scheme: str = ""
    variable: str = ""
    form: str = "{}"
    scraped: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """The ports and the folder of one stack.

    Arguments: `ports`, from `PROGRAM.USE` to a port; `data`, a folder that exists; `programs`, those of the stack.
    """

    ports: Mapping[str, int]
    data: Path
    programs: "Sequence[Program]" = ()

    def address(self, program: str, use: str) -> str:
        """`HOST:PORT` of a program of this stack."""
        return f"{HOST}:{self.port(program, use)}"

    def port(self, program: str, use: str) -> int:
        """The port of a program of this stack."""
        return self.ports[f"{program}.{use}"]

    def declared(self) -> "Iterator[tuple[Program, Port]]":
        """Every port of every program."""
        return ((program, port) for program in self.programs for port in program.ports)

    def having(self, use: str) -> Sequence[str]:
        """The programs of this stack with a port of this use."""
        return [key.rpartition(".")[0] for key in self.ports if key.rpartition(".")[2] == use]

    def folder(self, program: str) -> Path:
        """A program's own folder."""
        path = self.data / program
        path.mkdir(parents=True, exist_ok=True)
        return path


class Program(Protocol):
    """One process of a stack."""

    @property
    def name(self) -> str:
        """Its name in this stack."""

    @property
    def ports(self) -> Sequence[Port]:
        """Its ports."""

    def prepare(self, place: Place) -> None:
        """Write the files that it needs before it starts."""

    def command(self, place: Place) -> Sequence[str]:
        """Its command line.

        Raises:
            NotBuiltError: it is not in the cache.
        """

    def environment(self, place: Place) -> Mapping[str, str]:
        """The variables of its configuration."""

    def is_ready(self, place: Place) -> bool:
        """Whether the program itself reports that it works."""
