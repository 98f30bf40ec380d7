"""Telemetry of the commands: they are clients, so that a trace begins where the user is.

In: nothing but the environment. Out: the process's `Telemetry`. State: the library's.
"""

import logging

import telemetry
from demo_flow.flow import NAMESPACE
from demo_flow.version import own_version


def start() -> telemetry.Telemetry:
    """Configure telemetry for a command. Raises ConfigurationError.

    That a collector is not there is no news on a terminal: a command says so where it matters.
    """
    logging.getLogger("search_telemetry").setLevel(logging.ERROR)
    return telemetry.configure("pamazon", namespace=NAMESPACE, version=own_version())
