"""Telemetry of the commands: they are clients, so that a trace begins where the user is.

In: nothing but the environment. Out: the process's `Telemetry`. State: the library's.
"""

import logging

import telemetry
from demo_flow.flow import NAMESPACE, REGIONS
from demo_flow.version import own_version


def start() -> telemetry.Telemetry:
    """Configure telemetry for a command. Raises ConfigurationError.

    A missing collector is not logged on the terminal: commands that need it report it.
    """
    logging.getLogger("search_telemetry").setLevel(logging.ERROR)
    return telemetry.configure("pamazon", namespace=NAMESPACE, version=own_version(), regions=REGIONS)
