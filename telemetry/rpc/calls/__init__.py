"""Calls of any kind of client or server: how one begins, what it carries, how it ends."""
