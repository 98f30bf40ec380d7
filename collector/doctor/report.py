"""The report of a run, as JSON and as an exit status."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from collector.doctor.finding import Finding, Status


@dataclass(frozen=True, slots=True)
class Report:
    """The findings in order; `seconds`, the duration of the run."""

    mark: str
    trace_id: str
    seconds: float
    findings: Sequence[Finding]

    @property
    def ok(self) -> bool:
        """Whether there is no failure."""
        return all(finding.status is not Status.FAILED for finding in self.findings)

    @property
    def exit_status(self) -> int:
        """0 without a failure, else 1."""
        return 0 if self.ok else 1

    def json(self) -> str:
        """Return the report as JSON; docs/doctor.md has its shape."""
        checks = [
            {
                "check": finding.check,
                "status": finding.status.value,
                "code": finding.code,
                "detail": finding.detail,
                "hint": finding.hint,
            }
            for finding in self.findings
        ]
        head = {"ok": self.ok, "mark": self.mark, "trace_id": self.trace_id, "seconds": round(self.seconds, 3)}
        return json.dumps({**head, "checks": checks}, indent=2, ensure_ascii=False)
