"""The choices above the boards."""

from typing import Final

from dashboards.model import Variable
from dashboards.promql import label
from telemetry import conventions as c

NAMESPACE: Final = Variable("namespace", "Flow", "service_namespace", "target_info")
SERVICE: Final = Variable("service", "Service", "service_name", 'target_info{service_namespace=~"$namespace"}')
VERSION: Final = Variable(
    "version", "Version", "service_version",
    'target_info{service_namespace=~"$namespace", service_name=~"$service"}',
)  # fmt: skip
PLATFORM: Final = Variable("platform", "Platform", label(c.CLIENT_PLATFORM), "search_client_duration_seconds_count")
REGION: Final = Variable("region", "Region", label(c.CLIENT_REGION), "search_client_duration_seconds_count")
FLOW: Final = (NAMESPACE, SERVICE, VERSION)
"""Every board has these."""
