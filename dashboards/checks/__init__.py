"""Checks of boards and rules that need no running program."""
