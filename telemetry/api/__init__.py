"""What user code calls: `endpoint`, `stage`, `results`, `instrument`."""
