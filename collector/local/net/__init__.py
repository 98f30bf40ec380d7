"""Ports: addresses, HTTP servers, TLS, tokens, who may connect."""
