"""How the shop's catalogue and its model were made; not needed to run it."""
