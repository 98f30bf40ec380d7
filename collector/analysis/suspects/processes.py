"""Attributes that identify a process, a machine or a connection: after any restart they are new, and say nothing by it.

In: which requests have which value of such a key. Out: the values that may be suspects: of one of several that served
at the same time.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from collector.analysis.suspects.candidates import Value

_PROCESS: Final = re.compile(
    r"(^|[._])(instance[._]id|pid|parent_pid)$"
    r"|^(host\.(id|ip|mac|name)|container\.(id|name)|k8s\.(pod|node|container)\..*|faas\.instance"
    r"|thread\.(id|name)|client\.(address|port)|source\.(address|port)"
    r"|(network|net\.sock|net)\.(peer|local|host)\..*)$"
)


@cache
def identifies_process(key: str) -> bool:
    """Whether a key names processes, machines or connections, such as `service.instance.id`."""
    return bool(_PROCESS.search(key))


def side_by_side(values: Mapping[Value, int], moments: Sequence[int]) -> dict[Value, int]:
    """The values of a key that were there while another one was: replicas, not one after the other.

    Args:
        values: the requests of each, as bits.
        moments: of the request of each bit, a number that grows with time.
    """
    times = {value: _span(mask, moments) for value, mask in values.items()}
    ordered = sorted(values, key=times.__getitem__)
    beside: set[Value] = set()
    latest = 0
    for at, value in enumerate(ordered):
        begin, end = times[value]
        if at + 1 < len(ordered) and times[ordered[at + 1]][0] < end:
            beside.add(value)
        if begin < latest:
            beside.add(value)
        latest = max(latest, end)
    return {value: mask for value, mask in values.items() if value in beside}


def _span(mask: int, moments: Sequence[int]) -> tuple[int, int]:
    """The first and the last moment of some requests."""
    found = []
    while mask:
        found.append(moments[(mask & -mask).bit_length() - 1])
        mask &= mask - 1
    return min(found, default=0), max(found, default=0)
