"""What follows from a stage's attributes: names of generative AI's conventions, and what its request used."""

from collections.abc import Mapping
from typing import Final

from opentelemetry.util.types import AttributeValue

from telemetry import conventions as c
from telemetry.recording.request_scope import current_scope

_OF_REQUEST: Final = frozenset(attribute.name for attribute in c.USED_BY_REQUEST)


def add_gen_ai(stage: str, attributes: dict[str, AttributeValue]) -> None:
    """Add `gen_ai.*` to the attributes of an encoding, or of a search for vectors; values of the user's stay."""
    if stage == c.ENCODE.name and c.MODEL.name in attributes:
        attributes.setdefault(c.GEN_AI_OPERATION_NAME.name, c.EMBEDDINGS)
        attributes.setdefault(c.GEN_AI_REQUEST_MODEL.name, attributes[c.MODEL.name])
    elif c.DB_VECTOR_QUERY_TOP_K.name in attributes:
        attributes.setdefault(c.GEN_AI_OPERATION_NAME.name, c.RETRIEVAL)
        attributes.setdefault(c.GEN_AI_REQUEST_TOP_K.name, attributes[c.DB_VECTOR_QUERY_TOP_K.name])


def uses_of_request(attributes: Mapping[str, AttributeValue]) -> bool:
    """Return whether an attribute of a stage is shown on the SERVER span of its request."""
    return not _OF_REQUEST.isdisjoint(attributes)


def describe_request(attributes: Mapping[str, AttributeValue]) -> None:
    """Set on the SERVER span of the request what this stage uses; the first stage that names it decides."""
    scope = current_scope()
    if scope is not None:
        scope.describe({name: attributes[name] for name in _OF_REQUEST.intersection(attributes)})
