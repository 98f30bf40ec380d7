"""The real Collector and backends: built from source into a cache, and run as processes.

In: pinned versions (`versions.toml`) and the configuration files that docker-compose mounts. Out: binaries in the
user's cache, and a running stack. State: the cache, and the folder of the running stack.
"""
