"""Sentry's own command line (`sentry` of npm), with a stand-in as its Sentry.

In: a board that the stand-in holds. Out: what the command printed. State: none: its folders are the caller's.
"""

import os
import shutil
import subprocess
from pathlib import Path

from tests import npm
from tests.sentry_api_stand_in import ORGANIZATION, TOKEN

HERE = Path(__file__).parent
MODULES = npm.modules(HERE)


def missing() -> str:
    """Why it cannot run here; empty where it can."""
    absent = [] if shutil.which("node") else ["node"]
    absent += [] if MODULES.is_dir() else ["packages of npm"]
    return f"no {', no '.join(absent)}: make browser" if absent else ""


def variables(url: str, home: Path) -> dict[str, str]:
    """The environment of a command that asks the Sentry of an address, and writes below a folder."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "SENTRY_CONFIG_DIR": str(home / "config"),
        "SENTRY_URL": url,
        "SENTRY_AUTH_TOKEN": TOKEN,
        "SENTRY_CLI_NO_TELEMETRY": "1",
        "SENTRY_CLI_NO_UPDATE_CHECK": "1",
        "NO_COLOR": "1",
        "COLUMNS": "160",
    }


def command(*arguments: str) -> list[str]:
    """The words of one command."""
    return ["node", str(MODULES / "sentry/dist/bin.cjs"), *arguments]


def view_command(board: str, *options: str) -> list[str]:
    """The words of the command that draws a board, of the last hour."""
    return command("dashboard", "view", f"{ORGANIZATION}/{board}", "--period", "1h", *options)


def start(url: str, home: Path, words: list[str]) -> "subprocess.Popen[str]":
    """Start one command, for a reader that is 160 columns wide."""
    home.mkdir(exist_ok=True)
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(words, env=variables(url, home), text=True, **streams)  # type: ignore[call-overload,no-any-return]


def view(url: str, home: Path, board: str, *options: str) -> "subprocess.Popen[str]":
    """Start to draw a board."""
    return start(url, home, view_command(board, *options))


def output(started: "subprocess.Popen[str]") -> str:
    """What it prints, once it has ended well."""
    printed, errors = started.communicate(timeout=60)
    assert started.returncode == 0, errors
    return printed
