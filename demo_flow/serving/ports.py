"""The error of a taken port, which names the process that holds it (on Linux)."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from demo_flow.errors import PamazonError

_LISTENING = "0A"


class PortTaken(PamazonError):
    """The address is in use by another process."""

    def __init__(self, role: str, address: str) -> None:
        port = int(address.rpartition(":")[2])
        holder = holder_of(port)
        by = f" by process {holder[0]} ({holder[1]})" if holder else ""
        super().__init__(
            f"{role} cannot listen on {address}: port {port} is taken{by}.",
            "Stop that process, or choose another port.",
        )


def holder_of(port: int) -> tuple[int, str] | None:
    """Return process id and command line of who listens on `port`; None where the system does not give them."""
    sockets = set(_listening_sockets(port))
    if not sockets:
        return None
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(str(handle.readlink()) in sockets for handle in (process / "fd").iterdir()):
                words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
                return int(process.name), " ".join((Path(words[0]).name, *words[1:5])).strip()
    return None


def _listening_sockets(port: int) -> Iterator[str]:
    """Yield the listening sockets of a port as they appear among a process's open files: `socket:[inode]`."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    yield f"socket:[{fields[9]}]"
