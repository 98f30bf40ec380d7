"""Reads log records from VictoriaLogs, as mappings of texts."""

import json
import urllib.request
from typing import Any
from urllib.parse import urlencode

from collector.stack.stack import Stack


def query(stack: Stack, logsql: str) -> list[dict[str, Any]]:
    """The records that a query finds, in no order; `_msg` is the body."""
    url = stack.url("victorialogs.http", "/select/logsql/query?" + urlencode({"query": logsql}))
    with urllib.request.urlopen(url, timeout=10) as answer:
        return [json.loads(line) for line in answer]
