"""Generative AI: three names of OpenTelemetry's conventions for it (1.44), which are still in development.

A later draft calls the third `gen_ai.retrieval.top_k`.

An encoder's span is an embeddings operation, a search of an index a retrieval. The other names of `gen_ai.*` are about
prompts, tokens and providers, which a search does not have.
"""

from typing import Final

from telemetry.conventions.kinds import Attribute

GEN_AI_OPERATION_NAME: Final = Attribute(
    "gen_ai.operation.name", "string", "`embeddings` where texts and pictures are encoded, `retrieval` of a search."
)
GEN_AI_REQUEST_MODEL: Final = Attribute("gen_ai.request.model", "string", "The model that encodes: as `model`.")
GEN_AI_REQUEST_TOP_K: Final = Attribute("gen_ai.request.top_k", "int", "Results requested: as `db.vector.query.top_k`.")
EMBEDDINGS: Final = "embeddings"
RETRIEVAL: Final = "retrieval"
