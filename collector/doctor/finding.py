"""What one check found.

In: a check's name, what was seen. Out: findings, the lines of the report. State: none.
"""

from dataclasses import dataclass
from enum import Enum


class Status(Enum):
    """How a check ended. `SKIPPED` is no failure: not configured, or nothing to be said."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something fails: `code`, a stable word for programs; what is wrong; what to do about it."""

    code: str
    detail: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    check: str
    status: Status
    detail: str
    code: str = ""
    mend: str = ""


def ok(check: str, detail: str) -> Finding:
    """A check that went well."""
    return Finding(check, Status.OK, detail)


def failed(check: str, cause: Cause) -> Finding:
    """A check that found something broken."""
    return Finding(check, Status.FAILED, cause.detail, cause.code, cause.mend)


def skipped(check: str, cause: Cause) -> Finding:
    """A check that does not apply, or something to know that is no failure."""
    return Finding(check, Status.SKIPPED, cause.detail, cause.code, cause.mend)
