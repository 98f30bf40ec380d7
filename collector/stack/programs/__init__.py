"""How each program runs: its ports, its command, its variables, its files, and its readiness."""
