"""Opens the index of a collection, in a folder or at a URL."""

import re
from pathlib import Path

from demo_flow.index.base import IndexUnavailable, VectorIndex


def open_index(
    collection: str,
    dimension: int,
    *,
    path: Path | str | None = None,
    url: str | None = None,
    create: bool = True,
    recreate: bool = False,
    m: int = 16,
    ef_construct: int = 100,
) -> VectorIndex:
    """Open a collection of unit vectors `[dimension]`, compared by cosine.

    `path` is the folder of a Qdrant Edge index in this process (each collection a folder in it); `url` a Qdrant server,
    `http://HOST:6333` or `grpc://HOST:6334` (`https`, `grpcs` with TLS), whose key is read from `QDRANT_API_KEY`.
    Exactly one of them is given. A missing collection is made, unless `create` is false; `recreate` throws away what
    it holds. `m` and `ef_construct` are the graph's edges for each point and its care in choosing them.

    Raises IndexUnavailable where folder or server cannot be used or hold vectors of another dimension,
    UnknownCollection where the collection is missing and not to be made.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}", collection):
        raise IndexUnavailable(
            f"{collection!r} is not a name for a collection.", "Use letters, digits, - and _, a letter or digit first."
        )
    if (path is None) == (url is None):
        raise TypeError("open_index takes either path= or url=")
    if url is not None:
        from demo_flow.index.server import open_server

        return open_server(collection, dimension, url, create=create, recreate=recreate, m=m, ef_construct=ef_construct)
    return _open_edge(
        collection, dimension, Path(str(path)), create=create, recreate=recreate, m=m, ef_construct=ef_construct
    )


def _open_edge(
    collection: str, dimension: int, root: Path, *, create: bool, recreate: bool, m: int, ef_construct: int
) -> VectorIndex:
    """Open a Qdrant Edge index. Raises IndexUnavailable, with how to install it, if it is missing."""
    try:
        from demo_flow.index.edge import open_edge
    except ModuleNotFoundError as error:
        raise IndexUnavailable(
            "Qdrant Edge is not installed.", "Install it with: pip install 'search-telemetry[demo]'"
        ) from error
    return open_edge(collection, dimension, root, create=create, recreate=recreate, m=m, ef_construct=ef_construct)
