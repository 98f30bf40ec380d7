"""The findings of checks, which are the lines of the report."""

from dataclasses import dataclass
from enum import Enum
from typing import Literal

Code = Literal[
    "wrong_setting", "disabled", "not_exported", "pulled", "sampled", "unknown_name", "nothing_listens", "timed_out",
    "unreachable", "wrong_protocol", "unknown_protocol", "foreign", "plain_to_tls", "tls_to_plain", "unknown_authority",
    "expired_certificate", "wrong_name", "tls", "client_certificate_wanted", "client_certificate_refused",
    "unauthorized", "forbidden", "not_found", "not_taken", "rejected", "overloaded", "refused", "no_answer",
    "redirected", "error_answer", "proxy", "not_arrived", "not_scraped", "target_down", "scrape_old", "clock_skew",
    "no_project", "store", "not_configured", "not_sent", "elsewhere", "not_known", "wrong_path", "reading_port",
    "not_ready", "not_delivered", "unconfirmed", "not_asked",
]  # fmt: skip
"""Stable names of causes; see docs/doctor.md."""


class Status(Enum):
    """The result of a check.

    `SKIPPED` is not a failure: not configured, or not applicable. `WARNING` is not a failure, but probably not
    intended.
    """

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something fails: a stable code, what is wrong, and what to do."""

    code: Code
    detail: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    check: str
    status: Status
    detail: str
    code: Code | Literal[""] = ""
    hint: str = ""


def ok(check: str, detail: str) -> Finding:
    """A check that passed."""
    return Finding(check, Status.OK, detail)


def failed(check: str, cause: Cause) -> Finding:
    """A check that found something broken."""
    return Finding(check, Status.FAILED, cause.detail, cause.code, cause.hint)


def warning(check: str, cause: Cause) -> Finding:
    """Nothing is broken, but this is probably not intended."""
    return Finding(check, Status.WARNING, cause.detail, cause.code, cause.hint)


def skipped(check: str, cause: Cause) -> Finding:
    """A check that does not apply, or information."""
    return Finding(check, Status.SKIPPED, cause.detail, cause.code, cause.hint)
