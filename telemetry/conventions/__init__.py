"""All names that this project emits: spans, attributes, metrics, events, units and buckets; a module for each group.

These names are written nowhere else. A new one is a constant in its group's module: `SPANS`, `ATTRIBUTES` and `METRICS`
find it, and `make docs` adds it to `docs/signals.md`.

OpenTelemetry has no `search.*` namespace: those names are ours. `rpc.*`, `http.*`, `url.*`, `db.*`, `error.type`,
`server.*` and `network.*` follow the OpenTelemetry semantic conventions 1.44; `len_docs`, `minibatch_size`,
`has_img_da`, `has_txt_da` and the names of the encoding spans are known to users of Jina and CLIP-as-service.
`gen_ai.*` follow OpenTelemetry's conventions for generative AI, which have a version of their own, 0.1.
"""
# ruff: noqa: F403, F405  each module's names are the package's

from typing import Final

from telemetry.conventions import criticalpath, deployment, http, index, request, results, rpc, stages, telemetry
from telemetry.conventions.criticalpath import *
from telemetry.conventions.deployment import *
from telemetry.conventions.doctor import *
from telemetry.conventions.gen_ai import *
from telemetry.conventions.http import *
from telemetry.conventions.index import *
from telemetry.conventions.kinds import *
from telemetry.conventions.request import *
from telemetry.conventions.resource import *
from telemetry.conventions.results import *
from telemetry.conventions.rpc import *
from telemetry.conventions.stages import *
from telemetry.conventions.telemetry import *

_DECLARED: Final = [
    value
    for group in (request, stages, results, index, rpc, http, deployment, criticalpath, telemetry)
    for value in vars(group).values()
]
METRICS: Final = tuple(value for value in _DECLARED if isinstance(value, Metric))
SPANS: Final = tuple(value for value in _DECLARED if isinstance(value, SpanName))
EVENTS: Final = tuple(value for value in _DECLARED if isinstance(value, LogEvent))
ATTRIBUTES: Final = tuple(
    sorted((value for value in list(globals().values()) if isinstance(value, Attribute)), key=lambda a: a.name)
)
"""All attributes of all groups, by name."""
