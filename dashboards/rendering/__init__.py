"""Turns boards into the JSON of one product each."""
