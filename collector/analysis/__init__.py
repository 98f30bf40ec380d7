"""Analysis of whole traces: `tree` (the shape), `self_time`, `critical_path`; and `histogram`."""
