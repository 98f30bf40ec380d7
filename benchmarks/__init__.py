"""Side-by-side comparisons, each of which anyone can run."""
