"""Reads what `collector.analysis.suspects` needs, and answers what slow and failing requests share."""
