"""What the commands print: tables, traces, logs, metrics."""
