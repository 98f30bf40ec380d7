"""`telemetry doctor`: whether telemetry arrives, and if not, what is broken and how to fix it.

In: the `OTEL_*` variables of a service, addresses of backends. Out: a report, one finding for each check. State: none.

A run goes through these files: `command` reads options, `doctor` runs the checks, `known` and `otelcol` ask the stack
that runs here and the Collectors on the way who should be there, `marked` makes traces, a metric and a log, `sending`
sends them as a service would, `backends/` are asked whether they arrived, `configured` tells who of those away should
be there, `confirmed` what nobody has, `probe` and `receiver` look at what listens where something failed, `explain`
says what that means, `render` and `report` print it.
"""
