"""Processes: children that end with their parent, who holds a port, signals that ask to end, priority of threads."""
