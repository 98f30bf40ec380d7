"""`telemetry doctor`: checks whether telemetry arrives, and if not, what is broken and how to fix it.

In a run, `command` reads options and `doctor` runs the checks: `known` and `otelcol` find the backends that are
configured in the local stack and in the Collectors on the way; `marked` makes traces, a metric and a log, `sending`
sends them as a service does, and `backends/` query whether they arrived. `configured` finds backends that are down,
`confirmed` finds signals that no backend has; after a failure, `probe` and `receiver` examine what listens at an
address, and `explain` derives the cause. `render` and `report` print the result.
"""
