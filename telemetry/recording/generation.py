"""Tells what a process began itself from what it inherited, half done, when it was forked.

In: forks. Out: the generation of this process, an object that is another one in every forked child. State: that object,
owned by this module.

A span that is open at a fork is open in both processes afterwards. It is the parent's: the child neither exports its
copy nor measures it.
"""

import os


class Generation:
    """Holds what is another object in each forked child: cheaper to compare than to ask for the process id."""

    __slots__ = ("current",)

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Begin a generation."""
        self.current = object()


generation = Generation()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=generation.renew)
