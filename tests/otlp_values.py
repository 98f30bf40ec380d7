"""What the tests of the OTLP writer share: random attributes, and requests that can be compared."""

from typing import Any

from google.protobuf.message import Message
from hypothesis import strategies as st

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(["", "x" * 300, "ü" * 200])
PLAIN = st.one_of(
    TEXTS, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.integers(-3, 200), st.floats(), st.binary(max_size=5)
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    PLAIN | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3),
    max_leaves=5,
)
ATTRIBUTES = st.dictionaries(st.sampled_from("abcdef") | TEXTS.filter(bool), VALUES, max_size=4)
NANOSECONDS = st.integers(0, 2**64 - 1)


def canonical(kind: type[Message], request: bytes) -> bytes:
    """Return a request with its fields in their order, also where a fraction is not a number."""
    return kind.FromString(request).SerializeToString(deterministic=True)
