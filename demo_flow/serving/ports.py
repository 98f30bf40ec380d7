"""The error of a taken port, which names the process that holds it."""

from collector.processes.ports import holder_of
from demo_flow.errors import PamazonError


class PortTaken(PamazonError):
    """The address is in use by another process."""

    def __init__(self, role: str, address: str, option: str = "") -> None:
        port = int(address.rpartition(":")[2])
        super().__init__(
            f"{role} cannot listen on {address}: port {port} is taken{holder_of(port)}.",
            f"Stop that process, or choose another port{option and f': {option} HOST:PORT'}.",
        )
