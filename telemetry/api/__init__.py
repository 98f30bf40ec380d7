"""The functions that user code calls: `endpoint`, `stage`, `results`, `instrument`."""
