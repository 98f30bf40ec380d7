"""The instances of an executor, seen from the gateway: which of them a request goes to.

In: an endpoint, documents, parameters. Out: documents. State: a channel to each instance, and the number of requests
that went to one of them.
"""

import asyncio
import re
from collections.abc import Sequence
from typing import Final

import grpc

from demo_flow.errors import PamazonError
from demo_flow.flow import WRITES, Role
from demo_flow.proto.pamazon_pb2 import Parameters
from demo_flow.serving.client import ExecutorClient
from demo_flow.serving.endpoints import Documents
from demo_flow.serving.timing import waiting_for

_ADDRESS: Final = re.compile(r"\S+:\d+")


class Instances:
    """Arguments: the role; its `HOST:PORT`, several joined by commas; `split`, percent of the reads for the last one.

    Writes go to every instance of a role that keeps what it is sent, and fail if one of them does. Every other request
    goes to one instance, in turn; with `split`, exactly that many of every 100 reads go to the last one, and writes to
    the others alone: a version that is being tried writes nothing to the index. An instance that is UNAVAILABLE is
    passed over. Raises PamazonError.
    """

    def __init__(self, role: Role, addresses: str, split: int = 0) -> None:
        listed = _listed(role, addresses)
        if split and len(listed) == 1:
            raise PamazonError(
                f"A split needs two instances of {role.name}, and {addresses} is one.",
                "Give the addresses of both, joined by a comma.",
            )
        self.addresses: Final = listed
        self.clients: Final = [ExecutorClient(role.name, address) for address in listed]
        self._role = role
        self._split = split
        self._turn = 0

    async def process(self, endpoint: str, docs: Documents, parameters: Parameters) -> Documents:
        """Send the documents through one endpoint. Raises as `ExecutorClient.process`."""
        with waiting_for(self._role.name):
            return await self._process(endpoint, docs, parameters)

    async def _process(self, endpoint: str, docs: Documents, parameters: Parameters) -> Documents:
        write = endpoint in WRITES
        if write and self._role.keeps:
            return await self._write(endpoint, docs, parameters)
        *others, last = self._order(write=write)
        for client in others:
            try:
                return await client.process(endpoint, docs, parameters)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
        return await last.process(endpoint, docs, parameters)

    async def _write(self, endpoint: str, docs: Documents, parameters: Parameters) -> Documents:
        """Wait for all of them, also where one fails: none is left in the middle."""
        written = await asyncio.gather(
            *(client.process(endpoint, docs, parameters) for client in self.clients), return_exceptions=True
        )
        for result in written:
            if isinstance(result, BaseException):
                raise result
        return docs if isinstance(written[0], BaseException) else written[0]

    def _order(self, *, write: bool) -> Sequence[ExecutorClient]:
        """Return the instances, the one whose turn it is first."""
        if len(self.clients) == 1:
            return self.clients
        turn = self._turn
        self._turn += not (write and self._split)
        shared = len(self.clients) - (self._split > 0)
        before, after = (number * self._split // 100 for number in (turn, turn + 1))
        first = shared if after > before and not write else (turn - before) % shared
        return [*self.clients[first:], *self.clients[:first]]

    async def close(self) -> None:
        """Close the channels."""
        await asyncio.gather(*(client.close() for client in self.clients))


def _listed(role: Role, addresses: str) -> list[str]:
    listed = [address.strip() for address in addresses.split(",")]
    wrong = [address for address in listed if not _ADDRESS.fullmatch(address)]
    if wrong or len(set(listed)) < len(listed):
        reason = f"{wrong[0]!r} is not an address" if wrong else "an address is there twice"
        raise PamazonError(f"The addresses of {role.name}: {reason}.", "Write HOST:PORT, or HOST:PORT,HOST:PORT.")
    return listed
