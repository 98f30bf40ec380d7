"""From an export on a port to rows in the store, and back to its sender."""
