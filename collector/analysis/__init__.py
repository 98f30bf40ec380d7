"""What can be said of whole traces, one module each: `tree` (the shape), `self_time`, `critical_path`."""
