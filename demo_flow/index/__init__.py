"""Vector indexes behind one Protocol: Qdrant Edge in this process, or a Qdrant server by its URL."""

from demo_flow.index.base import JSON, Hit, IndexUnavailable, Point, UnknownCollection, VectorIndex
from demo_flow.index.opening import open_index

__all__ = ["JSON", "Hit", "IndexUnavailable", "Point", "UnknownCollection", "VectorIndex", "open_index"]
