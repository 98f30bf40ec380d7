"""The backends that are asked whether what was sent arrived: one file each.

In: an address, the marks. Out: what each has of them. State: none.
"""
