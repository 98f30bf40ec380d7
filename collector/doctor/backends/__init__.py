"""The backends that can be queried for what was sent, one module each."""
