"""Vector indexes behind one Protocol: Qdrant Edge in this process, or a Qdrant server by its URL."""
