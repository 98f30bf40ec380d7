"""Links that several boards have: to the other boards, and from a panel without labels to all that is chosen."""

from typing import Final

from dashboards import links

OVERVIEW: Final = links.board("search-overview", "Search overview")
STAGE: Final = links.board("search-stage", "Stage board")
ENCODER: Final = links.board("search-encoder", "Encoder board")
INDEX: Final = links.board("search-index", "Index board")
OF_SENDERS: Final = (OVERVIEW, STAGE, links.logs(title="Logs of the services that send"))
"""Whether users notice, and what the services say, where a Collector or Prometheus is at fault."""
OF_FLOW: Final = (links.traces({}), links.logs(), links.sentry({}))
"""All requests of the chosen flow."""
OF_FLOW_BY_STAGE: Final = (links.traces({}), links.logs(), STAGE, links.sentry({}))
"""The same, and the stages that they run through."""
