"""What the demo sells: the shipped catalogue, its build, and catalogues of your own."""
