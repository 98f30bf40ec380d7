"""All boards of Sentry."""

from typing import Final

from dashboards.sentry.errors import ERRORS_AND_LOGS
from dashboards.sentry.indexing import INDEXING
from dashboards.sentry.model import SentryBoard
from dashboards.sentry.search import SEARCH

BOARDS: Final[tuple[SentryBoard, ...]] = (SEARCH, INDEXING, ERRORS_AND_LOGS)
