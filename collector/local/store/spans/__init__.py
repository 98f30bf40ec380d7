"""How spans are kept: typed rows, summaries of traces, counts of minutes, filters of attributes."""
