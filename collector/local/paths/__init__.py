"""Follows traces as their spans arrive, and counts their critical paths: beside the store, or without one."""
