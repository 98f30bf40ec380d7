"""What follows from a stage's attributes: names of generative AI's conventions, and what its request used."""

from collections.abc import Mapping
from typing import Final

from opentelemetry.util.types import AttributeValue

from telemetry import conventions as c

_OF_REQUEST: Final = frozenset(attribute.name for attribute in c.USED_BY_REQUEST)


def add_gen_ai(stage: str, attributes: dict[str, AttributeValue]) -> None:
    """Add `gen_ai.*` to the attributes of an encoding, or of a search for vectors; values of the user's stay."""
    if stage == c.ENCODE.name and c.MODEL.name in attributes:
        attributes.setdefault(c.GEN_AI_OPERATION_NAME.name, c.EMBEDDINGS)
        attributes.setdefault(c.GEN_AI_REQUEST_MODEL.name, attributes[c.MODEL.name])
    elif c.DB_VECTOR_QUERY_TOP_K.name in attributes:
        attributes.setdefault(c.GEN_AI_OPERATION_NAME.name, c.RETRIEVAL)
        attributes.setdefault(c.GEN_AI_REQUEST_TOP_K.name, attributes[c.DB_VECTOR_QUERY_TOP_K.name])


def used_by_request(attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeValue] | None:
    """Return the attributes of a stage that the SERVER span of its request has too; None where there are none.

    The first stage that names one decides.
    """
    return {name: attributes[name] for name in sorted(_OF_REQUEST.intersection(attributes))} or None
