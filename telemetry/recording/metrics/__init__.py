"""Values of our metrics: bound once to a metric and its attributes, aggregated, read by exporters."""
