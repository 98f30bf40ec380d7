"""The goods of the demo: the shipped catalogue, and catalogues of your own."""
