"""What one check found.

In: a check's name, what was seen. Out: findings, the lines of the report. State: none.
"""

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
"""What programs know a cause by; docs/doctor.md says what each is."""


class Status(Enum):
    """How a check ended.

    `SKIPPED` is no failure: not configured, or nothing to be said. `WARNING` neither, and hardly what anybody wants.
    """

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something fails: `code`, a stable word for programs; what is wrong; what to do about it."""

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
    """A check that went well."""
    return Finding(check, Status.OK, detail)


def failed(check: str, cause: Cause) -> Finding:
    """A check that found something broken."""
    return Finding(check, Status.FAILED, cause.detail, cause.code, cause.hint)


def warning(check: str, cause: Cause) -> Finding:
    """Nothing is broken, and hardly anybody wants it so."""
    return Finding(check, Status.WARNING, cause.detail, cause.code, cause.hint)


def skipped(check: str, cause: Cause) -> Finding:
    """A check that does not apply, or something to know that is no failure."""
    return Finding(check, Status.SKIPPED, cause.detail, cause.code, cause.hint)
