"""Links that several boards have: to the other boards, and from a panel without labels to all that is chosen."""

from typing import Final

from dashboards import links

STAGE: Final = links.board("search-stage", "Stage board")
ENCODER: Final = links.board("search-encoder", "Encoder board")
INDEX: Final = links.board("search-index", "Index board")
OF_FLOW: Final = (links.traces({}), links.logs(), links.sentry({}))
"""All requests of the chosen flow."""
OF_FLOW_BY_STAGE: Final = (links.traces({}), links.logs(), STAGE, links.sentry({}))
"""The same, and the stages that they run through."""
