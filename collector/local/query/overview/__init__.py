"""Answers about many requests at once: what is slow, for whom, since when."""
