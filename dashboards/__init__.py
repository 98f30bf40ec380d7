"""Dashboards and alerts as code: what is shown of the signals, and when a person is called.

In: the names in `telemetry.conventions`. Out: JSON for Grafana, Perses and Sentry, and Prometheus' rules, all committed
beside their source. State: none.
"""
