"""When a person is called, and about what: objectives, alerts on them and on symptoms, and who gets them.

In: the names in `telemetry.conventions`. Out: rules (`rules/*.yml`) and Alertmanager's routes, which are generated.
State: none.
"""
