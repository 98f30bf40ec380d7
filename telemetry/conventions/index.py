"""The vector index: stable conventions for databases, and `db.vector.query.top_k`, which vector stores use."""

from typing import Final

from telemetry.conventions.gen_ai import GEN_AI_OPERATION_NAME, GEN_AI_REQUEST_TOP_K
from telemetry.conventions.kinds import SECONDS, Attribute, Instrument, Metric, SpanName
from telemetry.conventions.request import ERROR_TYPE, LEN_DOCS
from telemetry.conventions.results import (
    SEARCH_BELOW_THRESHOLD,
    SEARCH_HITS,
    SEARCH_MARGIN,
    SEARCH_THRESHOLD,
    SEARCH_TOP_SCORE,
)

DB_SYSTEM_NAME: Final = Attribute("db.system.name", "string", "`qdrant`.", limit=8)
DB_COLLECTION_NAME: Final = Attribute("db.collection.name", "string", "Collection searched or written.", limit=20)
DB_OPERATION_NAME: Final = Attribute("db.operation.name", "string", "`query`, `upsert` or `delete`.", limit=12)
DB_VECTOR_QUERY_TOP_K: Final = Attribute("db.vector.query.top_k", "int", "Results requested.")
SEARCH_EXACT: Final = Attribute("search.exact", "boolean", "The index was searched exhaustively, without its graph.")

_DB = (DB_SYSTEM_NAME, DB_COLLECTION_NAME, DB_OPERATION_NAME, ERROR_TYPE)
QDRANT_SEARCH: Final = SpanName(
    "qdrant_search", "internal", "One query of the index.",
    (
        *_DB, DB_VECTOR_QUERY_TOP_K, SEARCH_HITS, SEARCH_TOP_SCORE, SEARCH_MARGIN, SEARCH_THRESHOLD,
        SEARCH_BELOW_THRESHOLD, SEARCH_EXACT, GEN_AI_OPERATION_NAME, GEN_AI_REQUEST_TOP_K,
    ),
)  # fmt: skip
QDRANT_INDEX: Final = SpanName("qdrant_index", "internal", "One upsert into the index.", (*_DB, LEN_DOCS))
QDRANT_DELETE: Final = SpanName("qdrant_delete", "internal", "One deletion from the index.", (*_DB, LEN_DOCS))

INDEX_POINTS: Final = Metric(
    "search.index.points", Instrument.GAUGE, "{point}", "Points in the collection.", (DB_COLLECTION_NAME,)
)
DB_CLIENT_OPERATION_DURATION: Final = Metric(
    "db.client.operation.duration", Instrument.HISTOGRAM, "s", "Duration of stages that call a database.",
    (DB_SYSTEM_NAME, DB_COLLECTION_NAME, DB_OPERATION_NAME, ERROR_TYPE), SECONDS,
)  # fmt: skip
