"""The garments and accessories that we draw ourselves: their shapes as SVG, their words, and what is sold."""
