"""Pamazon: a shop that is searched through gateway, CLIP encoder and Qdrant, and shows what telemetry sees of it."""
