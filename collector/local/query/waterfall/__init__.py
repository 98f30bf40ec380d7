"""A trace of any size as a waterfall: its shape, computed once; windows of rows; one span; a search in it."""

from collector.local.query.waterfall.cache import ShapeCache
from collector.local.query.waterfall.otlp import otlp
from collector.local.query.waterfall.overview import Overview, overview_of
from collector.local.query.waterfall.reading import client_of, log_count_of
from collector.local.query.waterfall.rows import MAX_ROWS, Matches, WaterfallRow, Window, window
from collector.local.query.waterfall.searching import search
from collector.local.query.waterfall.shape import Shape, shape_of
from collector.local.query.waterfall.span import SpanDetails, span
from collector.local.query.waterfall.visible import Asked, visible

__all__ = [
    "MAX_ROWS",
    "Asked",
    "Matches",
    "Overview",
    "Shape",
    "ShapeCache",
    "SpanDetails",
    "WaterfallRow",
    "Window",
    "client_of",
    "log_count_of",
    "otlp",
    "overview_of",
    "search",
    "shape_of",
    "span",
    "visible",
    "window",
]
