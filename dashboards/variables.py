"""The choices above the boards, and the events that are drawn through them."""

from typing import Final

from dashboards.model import Mark, Text, Tone, Variable
from dashboards.promql import ANY_NAMESPACE, OF_JOB, label, name, series
from dashboards.promql import FLOW as SERVICES
from dashboards.promql import NAMESPACE as OF_NAMESPACE
from telemetry import conventions as c

_PROCESSES = f'target_info{{{label(c.DISTRO_NAME)}="search-telemetry"'
_ENTRIES = series(c.REQUEST_DURATION, "count", {c.SEARCH_ENTRY: '="true"'}, OF_NAMESPACE)

NAMESPACE: Final = Variable(
    "namespace", "Flow", "job", f"{_PROCESSES}}}",
    everything=ANY_NAMESPACE, pattern=OF_JOB[label(c.SERVICE_NAMESPACE)],
)  # fmt: skip
SERVICE: Final = Variable(
    "service", "Service", "job", f"{_PROCESSES}, {OF_NAMESPACE}}}",
    everything="[^/]+", pattern=OF_JOB[label(c.SERVICE_NAME)],
)  # fmt: skip
VERSION: Final = Variable("version", "Version", label(c.SERVICE_VERSION), f"{_PROCESSES}, {SERVICES}}}")
ENTRY: Final = Variable(
    "entry", "Entry", "job", _ENTRIES, several=False, hidden=True, pattern=OF_JOB[label(c.SERVICE_NAME)]
)  # fmt: skip
"""The service that traces are looked for in: each of a flow's traces has spans of it."""
OPERATION: Final = Variable("operation", "Operation", label(c.SEARCH_OPERATION), _ENTRIES, first="search")
_OF_STAGES = "|".join((name(c.QUEUE_LENGTH), name(c.STAGE_LIMIT), f"{name(c.STAGE_DURATION)}_count"))
STAGE: Final = Variable("stage", "Stage", label(c.SEARCH_STAGE), f'{{__name__=~"{_OF_STAGES}", {SERVICES}}}')
"""Stages proper, dynamic batches and pools."""
COLLECTION: Final = Variable(
    "collection", "Collection", label(c.DB_COLLECTION_NAME),
    series(c.DB_CLIENT_OPERATION_DURATION, "count", flow=SERVICES),
)  # fmt: skip
PLATFORM: Final = Variable("platform", "Platform", label(c.CLIENT_PLATFORM), _ENTRIES)
REGION: Final = Variable("region", "Region", label(c.CLIENT_REGION), _ENTRIES)
FLOW: Final = (NAMESPACE, SERVICE, VERSION, ENTRY)
"""Every board has these."""

ADDRESSES: Final = (
    Text("jaeger", "Jaeger", "http://127.0.0.1:16686", "Address of Jaeger's page, which links to traces lead to."),
    Text(
        "desk", "Desk", "http://127.0.0.1:4319",
        "Address of the desk, the page of a local collector that gets the same telemetry: links to traces lead there.",
    ),
    Text(
        "sentry", "Sentry", "",
        "Address of your organization's search for traces, such as https://acme.sentry.io/explore/traces/: links lead"
        " there.",
    ),
)  # fmt: skip
"""Every board has these."""

ALERTS: Final = Mark(
    "Firing alerts", 'ALERTS{alertstate="firing", severity=~"page|ticket"}', "{{alertname}}", Tone.BAD,
    labels=(
        "severity", "slo", "job",
        *map(label, (c.SEARCH_OPERATION, c.SEARCH_STAGE, c.CLIENT_PLATFORM, c.CLIENT_REGION)),
    ),
)  # fmt: skip
VERSIONS: Final = Mark(
    "New versions",
    f"min by (job, {label(c.SEARCH_DEPLOYMENT_VERSION)}) ({series(c.DEPLOYMENT_TIME)})",
    f"{{{{job}}}} serves {{{{{label(c.SEARCH_DEPLOYMENT_VERSION)}}}}}", Tone.GOOD, value_is_time=True,
)  # fmt: skip
MARKS: Final = (ALERTS, VERSIONS)
"""Every board has these."""
