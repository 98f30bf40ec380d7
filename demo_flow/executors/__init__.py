"""The executors of the flow, one file each."""
