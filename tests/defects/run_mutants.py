"""Sees every named test fail on the broken variant that belongs to it: `make mutants`, or with words of their names.

In: `tests.defects.mutants`. Out: a line for each; status 1 where a test passed all the same. State: a copy of the
checkout in a temporary folder, which alone is broken.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.defects.mutant import Mutant
from tests.defects.mutants import MUTANTS

ROOT = Path(__file__).parents[2]
COPIED = ("telemetry", "tests")
PATIENCE = 300  # seconds for one test
FAILED, PASSED = 1, 0  # pytest's statuses; others mean that nothing was tested


def main(words: list[str]) -> int:
    """Break, test, fix; return the exit status."""
    chosen = [mutant for mutant in MUTANTS if all(word in f"{mutant.file} {mutant.test}" for word in words)]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        root = Path(folder)
        for entry in ROOT.iterdir():
            if entry.name in COPIED:
                shutil.copytree(entry, root / entry.name, ignore=shutil.ignore_patterns("__pycache__"))
            elif not entry.name.startswith(".") or entry.name == ".venv":
                (root / entry.name).symlink_to(entry)
        tests = sorted({mutant.test for mutant in chosen})
        status, output = run(root, *tests)
        if status != PASSED:
            print(output)
            print("These tests must pass before anything is broken.")
            return 2
        survivors = [mutant for mutant in chosen if not noticed(root, mutant)]
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} broken variants were noticed")
    return 1 if survivors else 0


def noticed(root: Path, mutant: Mutant) -> bool:
    """Break one thing, and report whether its test fails."""
    path = root / mutant.file
    whole = path.read_text()
    if whole.count(mutant.old) != 1:
        print(f"FIXED     {mutant.file} has {mutant.old!r} {whole.count(mutant.old)} times, not once: fix the row")
        return False
    broken = whole.replace(mutant.old, mutant.new)
    compile(broken, mutant.file, "exec")
    path.write_text(broken)
    try:
        status, output = run(root, mutant.test)
    finally:
        path.write_text(whole)
    word = {FAILED: "noticed ", PASSED: "SURVIVED"}.get(status, "NO TEST ")
    print(f"{word}  {mutant.file}: {mutant.old.strip().splitlines()[0][:60]}  →  {mutant.test}", flush=True)
    if status not in {FAILED, PASSED}:
        print(output)
    return status == FAILED


def run(root: Path, *tests: str) -> tuple[int, str]:
    """Run tests in the copy; its package goes before the one that is installed."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"--timeout={PATIENCE}"]
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1", "STATE_MACHINE_AS_FOUND": "1"}
    done = subprocess.run(
        [*command, *(f"tests/{test}" for test in tests)],
        cwd=root, env=environment, capture_output=True, text=True, timeout=PATIENCE * 3, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
