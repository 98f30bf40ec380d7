"""Runs of endpoints and stages: how one is wrapped around a call or a block, recorded and ended."""
