"""When a trace is finished: its root is there, and nothing that its spans refer to is missing."""

from collections.abc import Sequence

from collector.analysis.seen import Seen


class Missing:
    """What a trace lacks, as far as its spans show it.

    Args:
        spans: at least one, all of one trace.
    """

    def __init__(self, spans: Sequence[Seen]) -> None:
        ids = {span.span_id for span in spans}
        served = {span.parent_span_id for span in spans if span.kind == "server"}
        unserved = [span for span in spans if span.kind == "client" and span.is_rpc and span.span_id not in served]
        orphans = [span for span in spans if span.parent_span_id is not None and span.parent_span_id not in ids]
        self.root = all(span.parent_span_id is not None for span in spans)
        """No span is a root."""
        self.parents = len(orphans)
        """Spans whose parent is not there."""
        self.only_caller = self.root and [span.kind for span in orphans] == ["server"]
        """All but the caller of one server, which may not be instrumented."""
        self.servers = sum(not span.is_unanswered for span in unserved)
        """Calls whose server span is not there."""
        self.answers = sum(span.is_unanswered for span in unserved)
        """Calls that nobody answered, as far as it is known: the server's span may still arrive."""

    @property
    def only_servers(self) -> bool:
        """Whether nothing but the servers of calls is missing, which may not be instrumented."""
        return not (self.root or self.parents)

    @property
    def nothing(self) -> bool:
        """Whether the trace is complete."""
        return self.only_servers and not self.servers
