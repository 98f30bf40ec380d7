"""The resource attributes that differ in a forked child: `service.instance.id`, and those of the user's detectors.

In: the SDK's detectors. Out: a resource, to be merged with the parent's. State: the SDK's.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from opentelemetry.sdk import resources
from opentelemetry.sdk.resources import Resource


def child_resource() -> Resource:
    """Return the attributes of this process that are not its parent's; empty where the SDK finds none."""
    detector: Callable[[], Any] | None = getattr(resources, "ServiceInstanceIdResourceDetector", None)
    if os.environ.get("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS") or detector is None:
        all_of_them: Callable[[], Resource] = getattr(resources, "_get_process_dependent_resource", Resource.get_empty)
        with suppress(RuntimeError):  # it starts threads, which a process that exits cannot
            return all_of_them()
    found: Resource = Resource.get_empty() if detector is None else detector().detect()
    return found
