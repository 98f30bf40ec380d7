"""The one error of the queries: what is wrong, where, and how to fix it.

In: a cause. Out: an exception that the API turns into a status and the commands into a line of text. State: none.
"""

from collector.local.errors import CollectorError


class QueryError(CollectorError):
    """A question that has no answer. `code` is `bad_request`, `not_found` or `ambiguous`."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.code = code
