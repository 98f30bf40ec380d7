"""The request in which work is done: its name, its baggage, its state, the bounds of its values."""
