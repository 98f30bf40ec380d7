"""The JSON API: read-only, over HTTP."""
