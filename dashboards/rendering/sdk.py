"""The models of grafana-foundation-sdk, whose import warns that a newer format of dashboards exists.

Classic dashboards are meant: they can be imported into Grafana 11 to 13.
"""

import json
import warnings
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.models import (
        bargauge,
        common,
        dashboard,
        heatmap,
        prometheus,
        stat,
        statetimeline,
        table,
        timeseries,
    )

from grafana_foundation_sdk.cog.encoder import JSONEncoder

__all__ = [
    "bargauge",
    "common",
    "dashboard",
    "heatmap",
    "plain",
    "prometheus",
    "stat",
    "statetimeline",
    "table",
    "timeseries",
]


def plain(model: object) -> Any:
    """Return a model as what JSON has: dicts, lists, texts and numbers."""
    return json.loads(json.dumps(model, cls=JSONEncoder))
