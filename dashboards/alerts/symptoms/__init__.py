"""Alerts on symptoms: they say where, beside the alerts on objectives, which say how bad.

In: a `Scale`. Out: groups of rules, a module for each kind of symptom. State: none. Thresholds stand at the top of each
module, each with its reason.
"""

from typing import Final

from dashboards.alerts.symptoms import clients, encoding, requests, stages, telemetry, waiting

EVERY: Final = (clients.group, requests.group, stages.group, waiting.group, encoding.group, telemetry.group)
"""The functions that return a group, in the order of the files."""
