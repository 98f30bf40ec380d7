"""The gateway: takes each request through the flow's executors, in the order that the flow file gives.

In: documents, from the clients' requests. Out: the documents as the last executor leaves them. State: a channel to each
instance of each executor.
"""

import asyncio

import telemetry
from demo_flow.errors import CallerError
from demo_flow.flow import CLIP_ENCODER, ROLES, ROUTES
from demo_flow.proto.pamazon_pb2 import Parameters
from demo_flow.serving.endpoints import Documents, requests
from demo_flow.serving.instances import Instances

MAX_LIMIT = 100


class Gateway:
    """Arguments: as in the flow file; the addresses of each executor by its name."""

    def __init__(self, split: int = 0, **addresses: str) -> None:
        shares = {CLIP_ENCODER.name: split}
        self._executors = {
            name: Instances(ROLES[name], listed, shares.get(name, 0)) for name, listed in addresses.items()
        }
        self.addresses = {name: instances.addresses for name, instances in self._executors.items()}

    @requests(on="/search")
    @telemetry.endpoint
    async def search(self, docs: Documents, parameters: Parameters) -> Documents:
        """Find the goods nearest to each document."""
        if not all(doc.image or doc.text.strip() for doc in docs):
            raise CallerError("The query is empty.", "Give a text or a picture.")
        if not 1 <= parameters.limit <= MAX_LIMIT:
            raise CallerError(f"The limit is {parameters.limit}.", f"Ask for 1 to {MAX_LIMIT} results.")
        if not 0 <= parameters.threshold <= 1:
            raise CallerError(
                f"The threshold is {parameters.threshold}.", "Give a score from 0 to 1; 0 shows any match."
            )
        return await self._pass_through("/search", docs, parameters)

    @requests(on="/index")
    @telemetry.endpoint
    async def index(self, docs: Documents, parameters: Parameters) -> Documents:
        """Encode the documents and keep them."""
        if not all(doc.id and (doc.image or doc.text.strip()) for doc in docs):
            raise CallerError("A document has no id, or nothing to encode.", "Give each an id and a picture or a text.")
        return await self._pass_through("/index", docs, parameters)

    @requests(on="/delete")
    @telemetry.endpoint
    async def delete(self, docs: Documents, parameters: Parameters) -> Documents:
        """Forget the documents with these ids."""
        return await self._pass_through("/delete", docs, parameters)

    async def _pass_through(self, endpoint: str, docs: Documents, parameters: Parameters) -> Documents:
        for role in ROUTES[endpoint]:
            docs = await self._executors[role.name].process(endpoint, docs, parameters)
        return docs

    async def close(self) -> None:
        """Close the channels."""
        await asyncio.gather(*(executor.close() for executor in self._executors.values()))
