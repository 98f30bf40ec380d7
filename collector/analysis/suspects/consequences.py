"""Which attributes say the same as the problem itself: they are consequences, not suspects."""

import re
from functools import cache
from typing import Final

from collector.analysis.suspects.problems import Problem

_STATUS: Final = re.compile(
    r"(^|[._])(status|status_code|status_message|outcome|success|error)$|^(exception|otel\.status)[._]"
)
_DURATION: Final = re.compile(r"(^|[._])(duration|latency|elapsed|took|time|wait|share)([._](ns|us|ms|s|seconds))?$")
_ERROR_TYPE: Final = "error.type"
_OF_DOCUMENTS: Final = frozenset({"len_docs", "minibatch_size", "has_img_da", "has_txt_da", "search.hits"})


@cache
def restates(problem: Problem | None, key: str) -> bool:
    """Whether an attribute restates a problem.

    How a request ended never is a suspect, nor is a duration. The type of an error is one for slow requests, which
    succeeded after it; for those that fail, it is shown where the errors begin. Without documents, their counts are 0.

    Args:
        problem: None: any.
        key: of the attribute.
    """
    if _STATUS.search(key) or _DURATION.search(key):
        return True
    if key == _ERROR_TYPE:
        return problem is Problem.FAILING
    return problem is Problem.EMPTY and key in _OF_DOCUMENTS
