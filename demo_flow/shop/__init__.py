"""The shop's page: HTTP in the gateway's process, beside gRPC; `static/` is what the browser gets."""
