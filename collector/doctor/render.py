"""Prints a report: one line for each check, with the hint below it."""

from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from collector.doctor.finding import Finding, Status
from collector.doctor.report import Report
from collector.local.render.text import UNICODE, clean, glyphs_for

_SIGNS: Final = {Status.OK: "✓", Status.WARNING: "!", Status.FAILED: "✗", Status.SKIPPED: "–"}
_PLAIN_SIGNS: Final = {Status.OK: "+", Status.WARNING: "!", Status.FAILED: "x", Status.SKIPPED: "-"}
_STYLES: Final = {
    Status.OK: "green",
    Status.WARNING: "bold yellow",
    Status.FAILED: "bold red",
    Status.SKIPPED: "dim",
}


def render(report: Report, console: Console) -> None:
    """Print a table on a terminal, else lines that are not wrapped, for logs and `grep`."""
    unicode = glyphs_for(console) is UNICODE
    signs, arrow = (_SIGNS, "→") if unicode else (_PLAIN_SIGNS, "->")
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    width = max(len(finding.check) for finding in report.findings)
    last = ""
    for finding in report.findings:
        hint = "" if finding.hint == last else finding.hint  # only once if the next finding has the same
        last = finding.hint
        detail, hint = clean(finding.detail, console.encoding), clean(hint, console.encoding)
        sign = signs[finding.status]
        if console.is_terminal:
            table.add_row(
                Text(sign, _STYLES[finding.status]), Text(finding.check), _words(finding, detail, hint, arrow)
            )
        else:
            lines = [
                f"{sign} {finding.check:{width}}  {detail}",
                *([f"  {'':{width}}  {arrow} {hint}"] if hint else []),
            ]
            console.out("\n".join(lines), highlight=False)
    if console.is_terminal:
        console.print(table)
    console.print(_sum(report))


def _words(finding: Finding, detail: str, hint: str, arrow: str) -> Text:
    """The detail, and its hint on a separate line."""
    text = Text(detail, "dim" if finding.status is Status.SKIPPED else "")
    if hint:
        text.append(f"\n{arrow} ", "bold")
        text.append(hint, "dim" if finding.status is Status.SKIPPED else "yellow")
    return text


def _sum(report: Report) -> Text:
    broken = sum(finding.status is Status.FAILED for finding in report.findings)
    warned = sum(finding.status is Status.WARNING for finding in report.findings)
    if not broken and warned:
        warnings = "1 warning" if warned == 1 else f"{warned} warnings"
        return Text(f"\nEverything that was sent arrived; {warnings} ({report.seconds:.1f} s).", "yellow")
    if not broken:
        return Text(f"\nEverything that was sent arrived ({report.seconds:.1f} s).", "green")
    return Text(f"\n{broken} {'check' if broken == 1 else 'checks'} failed ({report.seconds:.1f} s).", "bold red")
