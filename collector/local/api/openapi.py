"""The description of the API, as an OpenAPI 3.1 document. It is made of the questions, so it is complete.

In: the questions, with the classes of their answers. Out: the document. A test compares it with what is answered.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from collector.analysis.suspects.problems import Problem
from collector.local.api.documented import HEALTH, STATS
from collector.local.api.parameters import MAX_LIMIT, MAX_WAIT_S, REPEATABLE
from collector.local.api.question import Question, Rows
from collector.local.api.schemas import Schema, Schemas
from collector.local.query import LEVELS, ORDERS
from collector.local.query.language.fields import STATUSES
from collector.local.query.language.parser import MOST_CHARACTERS
from collector.local.query.overview.performance import SCOPES
from collector.local.query.overview.scatter import AXES
from collector.local.query.waterfall import MAX_ROWS

_ABOUT: Final = """What a local collector of search-telemetry has stored, read-only.

Times are Unix seconds or nanoseconds, as their names say; durations are nanoseconds. Every list is a page: its `next`
is the cursor of the next one. Every error has the same shape, with a hint what to do. An unknown parameter is an error.
"""
_TEXT: Final[Schema] = {"type": "string"}
_FLAG: Final[Schema] = {"type": "boolean", "default": False}
_MOMENT: Final[Schema] = {"type": "string", "examples": ["5m", "2026-11-30T02:41:07"]}
_DURATION: Final[Schema] = {"type": "string", "examples": ["50ms", "1.5s"]}
_SECONDS: Final[Schema] = {"type": "string", "examples": ["1796012345.6", "2026-11-30T02:41:07Z"]}
_SPAN_ID: Final[Schema] = {"type": "string", "pattern": "^[0-9a-fA-F]{1,16}$"}
_SPAN_IDS: Final[Schema] = {"type": "string", "pattern": "^[0-9a-fA-F,]*$"}
_NUMBER: Final[Schema] = {"type": "integer", "minimum": 0}


def _one_of(values: Sequence[str] | Mapping[str, Any]) -> Schema:
    return {"enum": list(values), "default": next(iter(values))}


PARAMETERS: Final[Mapping[str, tuple[Schema, str]]] = {
    "after": (_TEXT, "`now`, or the `after` of the previous answer: what arrived since then."),
    "as_sent": (_FLAG, "Times as the senders' clocks had them."),
    "at": (_NUMBER, "The cursor's place in the text, from 0; its end by default."),
    REPEATABLE: ({"type": "array", "items": _TEXT}, "`key=value` of any span or its resource; may be repeated."),
    "batches": (_FLAG, "Include the traces of dynamic batches."),
    "before": (_TEXT, "The `next` of the previous page."),
    "end": (_SECONDS, "The end of the range: Unix seconds, or a time."),
    "filter": ({"type": "string", "maxLength": MOST_CHARACTERS}, "Terms such as `service=gateway duration>50ms`."),
    "from_ns": (_NUMBER, "The beginning of the part of the trace that is shown, from its start."),
    "id": (_SPAN_ID, "The id of a span."),
    "latest": (_FLAG, "Only the points that current values are made of."),
    "left": (_TEXT, "A trace's id, `slow`, `typical`, `failing`, `version:…`, `region:…` or `platform:…`."),
    "level": ({"enum": [*LEVELS, "warning", "critical"]}, "This level and above."),
    "limit": ({"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}, "Rows of a page."),
    "min_duration": (_DURATION, "Of the whole trace, at least."),
    "of": (_one_of(("traces", "logs")), "What the filter is of."),
    "offset": (_NUMBER, "Rows, or spans, that are left out."),
    "only": (_TEXT, "What rows are shown."),
    "operation": (_TEXT, "Name of a span; in answers about entry points, of the entry."),
    "order": (_one_of(ORDERS), "What comes first: the latest, or the longest."),
    "place": (_NUMBER, "Which span of that id, if there are several."),
    "platform": (_TEXT, "The client's platform."),
    "problem": (_one_of(("auto", *Problem)), "The greatest, or what is wrong."),
    "query": (_TEXT, "PromQL."),
    "region": (_TEXT, "The client's region."),
    "reveal": (_SPAN_ID, "The id of a span that must be among the rows."),
    "right": (_TEXT, "As `left`."),
    "scope": (_one_of(SCOPES), "Entry points, spans inside of requests, or calls."),
    "search": (_TEXT, "A text that is sought in the spans."),
    "service": (_TEXT, "Name of a service."),
    "since": (_MOMENT, "From then on: a time in UTC, or how long ago."),
    "stages": (_FLAG, "With the time of each stage on the critical path."),
    "start": (_SECONDS, "The beginning of the range: Unix seconds, or a time."),
    "status": ({"enum": list(STATUSES)}, "Of the span of that service and operation."),
    "step": ({"type": "string", "examples": ["15", "1m"]}, "The step of the range."),
    "text": (_TEXT, "The text of a filter, as far as it is typed."),
    "time": (_SECONDS, "Unix seconds, or a time; now by default."),
    "to_ns": (_NUMBER, "The end of the part of the trace that is shown."),
    "toggled": (_SPAN_IDS, "Ids of spans, separated by commas, that are not as `level` says."),
    "trace_id": (_TEXT, "An id, the beginning of one, or `last`."),
    "until": (_MOMENT, "Until then: a time in UTC, or how long ago."),
    "version": (_TEXT, "`2.0.0` of any service, or `clip_encoder 2.0.0`."),
    "wait": (_DURATION, f"How long to wait for something to arrive, at most {MAX_WAIT_S}s."),
    "x": (_one_of(AXES), "The number that requests are drawn over."),
}  # fmt: skip
_LEVELS_OF_A_TREE: Final = ({"type": "integer", "minimum": 0}, "Down to this level, all spans are shown.")
_OTHERWISE: Final[Mapping[tuple[str, str], tuple[Schema, str]]] = {
    ("/api/traces/{trace_id}/rows", "level"): _LEVELS_OF_A_TREE,
    ("/api/traces/{trace_id}/rows", "limit"): ({"type": "integer", "minimum": 0, "maximum": MAX_ROWS}, "Rows."),
}
_BY_PATH: Final[Mapping[str, tuple[Schema, str]]] = {
    "trace_id": ({"type": "string", "minLength": 1}, "An id, the beginning of one, or `last`: the latest request."),
    "name": ({"type": "string", "minLength": 1}, "Of the metric."),
}
REQUIRED: Final = {
    "/api/query": {"query"},
    "/api/query_range": {"query", "start", "end", "step"},
    "/api/query_exemplars": {"query", "start", "end"},
    "/api/compare": {"left", "right"},
    "/api/traces/{trace_id}/span": {"id"},
}
_ERRORS: Final = {
    "400": "The request is not one that can be answered.",
    "401": "The collector requires a token.",
    "403": "The request names another host, or comes from another page.",
    "404": "There is no such item.",
    "503": "The collector is stopping, or its store cannot be read now, or is damaged.",
}
_ERROR: Final[Schema] = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "code": {"type": "string", "description": "Such as `bad_request`, for programs."},
                "message": {"type": "string", "description": "What is wrong."},
                "hint": {"type": "string", "description": "What to do."},
            },
            "required": ["code", "message", "hint"],
            "additionalProperties": False,
        }
    },
    "required": ["error"],
    "additionalProperties": False,
}


def document(questions: Sequence[Question]) -> dict[str, Any]:
    """The OpenAPI document.

    Args:
        questions: all of them.
    """
    schemas = Schemas()
    paths = {
        "/api/health": _path(schemas, "/api/health", "whether the store can be written", (), HEALTH),
        "/api/stats": _path(schemas, "/api/stats", "what was received, stored and refused", (), STATS),
    }
    for question in questions:
        paths[question.path] = _path(schemas, question.path, question.brief, question.parameters, question.returns)
    return {
        "openapi": "3.1.0",
        "info": {"title": "search-telemetry, local collector", "version": "1", "description": _ABOUT},
        "paths": paths,
        "security": [{}, {"token": []}],
        "components": {
            "schemas": {"Error": _ERROR, **schemas.components},
            "responses": {
                status: {"description": text, "content": {"application/json": {"schema": _reference("Error")}}}
                for status, text in _ERRORS.items()
            },
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _path(schemas: Schemas, path: str, brief: str, parameters: Sequence[str], returns: Any) -> dict[str, Any]:
    given = [_parameter(name, "path", *_BY_PATH[name], required=True) for name in re.findall(r"{(\w+)}", path)]
    for name in parameters:
        schema, text = _OTHERWISE.get((path, name), PARAMETERS[name])
        given.append(_parameter(name, "query", schema, text, required=name in REQUIRED.get(path, ())))
    answered = {"description": "The answer.", "content": {"application/json": {"schema": _schema(schemas, returns)}}}
    errors = {status: {"$ref": f"#/components/responses/{status}"} for status in _ERRORS}
    name = re.sub(r"\W+", "_", path.removeprefix("/api/")).strip("_")
    summary = f"{brief[:1].upper()}{brief[1:]}."
    return {
        "get": {
            "operationId": name,
            "summary": summary,
            "parameters": given,
            "responses": {"200": answered, **errors},
        }
    }


def _parameter(name: str, place: str, schema: Schema, text: str, *, required: bool) -> dict[str, Any]:
    return {"name": name, "in": place, "required": required, "schema": schema, "description": text}


def _schema(schemas: Schemas, returns: Any) -> Schema:
    """The schema of an answer."""
    if returns is None:
        return {"type": "object"}
    if isinstance(returns, dict):
        return {name: _schema_of(schemas, value) for name, value in returns.items()}
    if not isinstance(returns, Rows):
        return schemas.of(returns)
    properties = {returns.name: {"type": "array", "items": schemas.of(returns.row)}}
    properties["next"] = {"type": ["string", "null"], "description": "The cursor of the next page, as `before`."}
    required = [returns.name]
    if returns.follows:
        properties["after"] = {"type": "string", "description": "The cursor of what arrives later, as `after`."}
    else:
        required.append("next")
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _schema_of(schemas: Schemas, value: Any) -> Any:
    """The same inside of a schema that is written by hand: its classes become references."""
    if isinstance(value, dict):
        return {name: _schema_of(schemas, item) for name, item in value.items()}
    if isinstance(value, list):
        return [_schema_of(schemas, item) for item in value]
    return schemas.of(value) if isinstance(value, type) else value


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}
