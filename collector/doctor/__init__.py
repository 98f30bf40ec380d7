"""`telemetry doctor`: checks whether telemetry arrives, and if not, what is broken and how to fix it.

In a run, `command` reads options and `doctor` runs the checks. `checks/stack` and `checks/otelcol` find the backends
that are configured in the local stack and in the Collectors on the way; `samples` makes traces, a metric and a
log, `checks/sending` sends them as a service does, and `checks/arrival` asks `backends/` whether they arrived.
`checks/configured` finds backends that are down, `checks/kept` signals that no backend has. After a failure, `network/`
examines what listens at an address, and its `explain` derives the cause. `render` and `report` print the result.
"""
