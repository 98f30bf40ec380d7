"""How each program runs: its ports, its command, what it is told, and how it says that it is ready.

In: a `Place`. Out: command lines, environments, files of a running stack. State: none.
"""
