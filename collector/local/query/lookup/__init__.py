"""Finds traces and reads them: lists, filters, one trace, the shapes of several."""
