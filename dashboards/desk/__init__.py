"""The desk: the page that the local collector serves, and `telemetry desk`, which serves it on a store without one.

The page is in `static/`: ES modules that a browser runs as they are. See `docs/desk.md`.
"""
