"""What is asked of a run: every line one promise, what was found, and whether it was kept."""

from collections import Counter
from dataclasses import dataclass, field
from statistics import median

from tests.chaos.counts import Counts

MEMORY_AFTER = 120.0  # seconds; a shorter run proves nothing of memory
_WARM_UP = 1 / 3  # of the run
_GROWTH, _GROWTH_MIB = 0.1, 8.0  # that later memory may be above earlier memory: a share, and as much in any case
EXIT_LIMIT = 2.0  # seconds


@dataclass
class Gathered:
    """Everything that a run came to know."""

    seconds: float
    ends: dict[str, dict[str, float]] = field(default_factory=dict)  # the last line of each program, by its role
    exits: dict[str, float] = field(default_factory=dict)  # seconds from there to its exit
    statuses: dict[str, int] = field(default_factory=dict)
    memory: dict[str, list[tuple[float, float]]] = field(default_factory=dict)  # seconds, MiB
    logs: dict[str, list[str]] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    stored: int = 0
    twice: int = 0
    doomed: int = 0


@dataclass(frozen=True)
class Finding:
    """One promise."""

    promise: str
    found: str
    kept: bool


def verdict(gathered: Gathered, least_children: int) -> list[Finding]:
    """Hold what was gathered against what is promised."""
    ends = gathered.ends.values()
    counts, spans = gathered.counts, gathered.counts.signals["spans"]
    errors = sum(int(end["errors"]) for end in ends)
    children, hung, failed = (sum(int(end[name]) for end in ends) for name in ("children", "hung", "failed"))
    killed = sum(int(end["killed"]) for end in ends)
    statuses = gathered.statuses
    unexplained = gathered.stored - gathered.doomed - spans.recorded
    return [
        Finding("host errors", f"{errors}, exit statuses {statuses}", not errors and not any(statuses.values())),
        Finding("faults inside the library", str(counts.faults), not counts.faults),
        Finding(
            "recorded = exported + dropped",
            f"{_counts(counts)}; unbalanced {len(counts.unbalanced)} of {counts.processes} processes",
            not counts.unbalanced and counts.processes == len(gathered.ends) + children - killed - hung - failed,
        ),
        Finding(
            "what was acknowledged is stored, once",
            f"{spans.exported:,} acknowledged, {gathered.stored:,} stored ({gathered.doomed:,} of killed children), "
            f"{gathered.twice} twice",
            gathered.stored - gathered.doomed >= spans.exported and not gathered.twice and unexplained <= 0,
        ),
        Finding(
            "no child hangs or fails",
            f"{hung} hung, {failed} failed of {children}; {killed} more were killed",
            not hung and not failed and children >= least_children,
        ),
        _exits(gathered),
        *(_memory(role, gathered) for role in gathered.memory),
        _log(gathered),
    ]


def _counts(counts: Counts) -> str:
    return "; ".join(
        f"{name} {one.recorded:,} = {one.exported:,} + {one.lost:,}" for name, one in counts.signals.items()
    )


def _exits(gathered: Gathered) -> Finding:
    listed = ", ".join(f"{role} {seconds:.2f} s" for role, seconds in gathered.exits.items())
    longest = gathered.counts.longest_exit_s
    kept = max(*gathered.exits.values(), longest) <= EXIT_LIMIT
    return Finding("exit within 2 s", f"{listed}; telemetry's part at most {longest:.2f} s", kept)


def _memory(role: str, gathered: Gathered) -> Finding:
    """Compare the last third of the run with the middle third; the first is warm-up, its queues full once."""
    samples = gathered.memory[role]
    if gathered.seconds < MEMORY_AFTER or not samples:
        peak = max((mib for _, mib in samples), default=0.0)
        return Finding(f"memory of {role}", f"{peak:.0f} MiB at most; too short a run to prove more", kept=True)
    begin, end = samples[0][0], samples[-1][0]
    third = (end - begin) * _WARM_UP
    middle = median(mib for at, mib in samples if begin + third <= at < begin + 2 * third)
    last = median(mib for at, mib in samples if at >= begin + 2 * third)
    slope = (last - middle) / third * 1024
    kept = last - middle <= middle * _GROWTH + _GROWTH_MIB
    return Finding(f"memory of {role} is flat", f"{middle:.0f} → {last:.0f} MiB, {slope:+.1f} KiB/s", kept)


def _log(gathered: Gathered) -> Finding:
    """Each process may warn of each signal once a minute, with two lines for its queue, and once more at its end."""
    lines = [line for log in gathered.logs.values() for line in log]
    of_processes = Counter(line.partition(" ")[0] for line in lines if line[:1].isdigit())
    most = max(of_processes.values(), default=0)
    allowed = 7 * (2 + gathered.seconds / 60)  # spans and logs have a queue each, metrics have none
    return Finding("no flood of log lines", f"{len(lines)}, {most} of one process", most <= allowed)
