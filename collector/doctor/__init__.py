"""`telemetry doctor`: whether telemetry arrives, and if not, what is broken and how to mend it.

In: the `OTEL_*` variables of a service, addresses of backends. Out: a report, one finding for each check. State: none.

A run goes through these files: `command` reads options, `doctor` runs the checks, `marked` makes one trace, metric and
log, `sending` sends them as a service would, `backends/` are asked whether they arrived, `configured` tells who of
those away should be there, `probe` looks at what listens where something failed, `explain` says what that means,
`render` and `report` print it.
"""
