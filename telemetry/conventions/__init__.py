"""Every name this project emits: spans, attributes, metrics, units and buckets; a module for each group of signals.

In: nothing. Out: constants that the other modules emit by, and the tables `SPANS`, `ATTRIBUTES` and `METRICS` from
which `docs/signals.md` is generated. State: none.

This is the only place where such a name is spelled. OpenTelemetry has no `search.*` namespace: those names are ours.
`rpc.*`, `db.*`, `error.type`, `server.*` and `network.*` follow the OpenTelemetry semantic conventions 1.44;
`len_docs`, `minibatch_size`, `has_img_da`, `has_txt_da` and the names of the encoding spans are those that users of
Jina and CLIP-as-service know.
"""
# ruff: noqa: F403, F405  each module's names are the package's

from typing import Final

from telemetry.conventions import index, request, rpc, stages, telemetry
from telemetry.conventions.doctor import *
from telemetry.conventions.index import *
from telemetry.conventions.kinds import *
from telemetry.conventions.request import *
from telemetry.conventions.resource import *
from telemetry.conventions.rpc import *
from telemetry.conventions.stages import *
from telemetry.conventions.telemetry import *

_DECLARED: Final = [value for group in (request, stages, index, rpc, telemetry) for value in vars(group).values()]
METRICS: Final = tuple(value for value in _DECLARED if isinstance(value, Metric))
SPANS: Final = tuple(value for value in _DECLARED if isinstance(value, SpanName))
ATTRIBUTES: Final = tuple(
    sorted((value for value in list(globals().values()) if isinstance(value, Attribute)), key=lambda a: a.name)
)
"""Every attribute of every group, by name."""
