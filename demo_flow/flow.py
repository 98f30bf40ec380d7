"""Pamazon, the flow: its roles, their addresses and arguments, and the order in which a request passes them.

    client ──▶ gateway :8080 ──▶ clip_encoder :8090 ──▶ qdrant_indexer :8100
    browser ─▶ its shop :8081    texts and pictures     vectors to goods,
                                 to vectors             goods to vectors

Each is a process of its own, or several (`pamazon up --index-replicas`, `--split`). Everything else reads `ROLES` and
`ROUTES`.

A new role is a `Role` that `ROLES` and `ROUTES` name, and its class: `pamazon serve` and `pamazon up` start it with its
arguments as options, and the gateway knows its address.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

NAMESPACE: Final = "pamazon"
"""Name of the flow: `service.namespace` of all of its processes."""
REGIONS: Final = ("de", "us", "es", "fr", "gb", "it", "jp", "br", "cl", "mx")
"""The countries of its clients; every process records any other as `_other`."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a role: its value unless the command line gives another, and what it is.

    `filled` is what `pamazon up` gives instead, a format string: `data` is the data folder, `catalogue` the folder of a
    catalogue of your own or empty, and the name of a role that starts earlier stands for the facts that it announced,
    `addresses` with them: those of all of its instances, joined by commas. `store` is what a further instance adds to
    the name of a folder of its own. In `default`, too, `{data}` is the data folder. `offered`: it is an option of
    `pamazon up` all the same. `within` are the least and the greatest value of a number, both of its type.
    """

    default: str | int | bool | None
    help: str
    filled: str | None = None
    offered: bool = False
    within: tuple[int, int] | tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Role:
    """One process: its name (also its service name in traces), its address, the class it runs and its arguments.

    `about` is what `pamazon up` shows beside its address, a format string of the facts that it announces. `keeps` is
    true where it keeps what it is sent: the gateway sends `WRITES` to every instance of it, and any other request to
    one. `page` is the address of the page that its process serves over HTTP beside gRPC, and `page_arguments` are those
    of the page.
    """

    name: str
    address: str
    runs: str
    about: str = ""
    keeps: bool = False
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    page: str | None = None
    page_arguments: Mapping[str, Argument] = field(default_factory=dict)

    @property
    def options(self) -> Mapping[str, Argument]:
        """What `pamazon serve` takes for it, beside addresses: the arguments of its class, and of its page."""
        return {**self.arguments, **self.page_arguments}


CLIP_ENCODER: Final = Role(
    "clip_encoder",
    address="127.0.0.1:8090",
    runs="demo_flow.executors.clip_encoder:ClipEncoder",
    about="{model}, {dimension} dimensions",
    arguments={
        "model": Argument("pamazon-tiny", "pamazon-tiny, or an OpenCLIP model such as ViT-B-32::openai"),
        "runtime": Argument(None, "onnx or torch (default: what suits the model)"),
        "device": Argument("cpu", "cpu or cuda"),
        "minibatch_size": Argument(32, "documents in one forward pass"),
        "batch_wait_ms": Argument(0, "milliseconds that an idle model waits for further requests"),
        "num_pool_workers": Argument(2, "threads that prepare pictures beside the forward pass"),
        "cache_size": Argument(512, "texts of searches whose vectors are kept; 0: none", within=(0, 1_000_000)),
    },
)

QDRANT_INDEXER: Final = Role(
    "qdrant_indexer",
    address="127.0.0.1:8100",
    runs="demo_flow.executors.qdrant_indexer:QdrantIndexer",
    about="{points:,} {collection} in {place}",
    keeps=True,
    arguments={
        "collection": Argument("goods", "name of the collection"),
        "dimension": Argument(192, "length of the vectors; the model's", filled="{clip_encoder[dimension]}"),
        "path": Argument(
            "{data}/index/alone",
            "folder of the index (default: in the data folder)",
            filled="{data}/index/{clip_encoder[space]}{store}",
        ),
        "qdrant_url": Argument(None, "a Qdrant server, http://HOST:6333, instead of the folder"),
        "recreate": Argument(False, "delete what the collection holds first"),
        "model": Argument(None, "the model that made the vectors, for metrics", filled="{clip_encoder[model]}"),
        "threshold": Argument(
            None,
            "the score from which on a match is a result; 0: any is (default: the model's)",
            filled="{clip_encoder[threshold]}",
            offered=True,
            within=(0.0, 1.0),
        ),
    },
)

ROUTES: Final = {
    "/search": (CLIP_ENCODER, QDRANT_INDEXER),
    "/index": (CLIP_ENCODER, QDRANT_INDEXER),
    "/delete": (QDRANT_INDEXER,),
}
"""The executors that the gateway takes each request through, in order."""

WRITES: Final = frozenset({"/index", "/delete"})
"""The requests that change what an executor keeps."""

GATEWAY: Final = Role(
    "gateway",
    address="127.0.0.1:8080",
    runs="demo_flow.executors.gateway:Gateway",
    about="searches, indexes, deletes",
    arguments={
        role.name: Argument(
            role.address,
            f"where {role.name} is; for several instances of it their addresses, joined by commas",
            filled=f"{{{role.name}[addresses]}}",
        )
        for route in ROUTES.values()
        for role in route
    }
    | {
        "split": Argument(
            0, "percent of the searches for the last of several encoders, which has --version-label", within=(0, 99)
        )
    },
    page="127.0.0.1:8081",
    page_arguments={
        "traces": Argument(
            "http://127.0.0.1:4319/traces/", "address of a trace's page, without its id, for the shop; none: no links"
        ),
        "page_otlp": Argument(
            "http://127.0.0.1:4318", "where the shop's page sends its own spans, by OTLP over HTTP; none: nowhere"
        ),
        "shop_names": Argument(
            None,
            "names by which browsers may reach the shop, joined by commas, beside addresses and this machine's own; "
            "*: every name",
        ),
        "catalogue": Argument(
            None, "folder of the catalogue whose pictures the shop shows (default: our own)", filled="{catalogue}"
        ),
    },
)

ROLES: Final = {role.name: role for role in (GATEWAY, CLIP_ENCODER, QDRANT_INDEXER)}
"""Every role. The executors start in this order, and the gateway once they are ready."""
