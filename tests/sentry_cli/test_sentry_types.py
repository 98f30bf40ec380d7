"""Our requests have the types that Sentry publishes for its API (`@sentry/api` of npm), checked by TypeScript."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dashboards.rendering.sentry import alert, board
from dashboards.sentry.alerts import ALERTS
from dashboards.sentry.boards import BOARDS
from tests.sentry_cli.cli import MODULES

TYPES = """
import type {
  CreateAMonitorForAProjectData, CreateANewDashboardForAnOrganizationData, CreateAnAlertForAnOrganizationData,
} from "@sentry/api";
// Declared in snake case; Sentry's own programs send camel case, and so do we.
type Camel<Name> = Name extends `${infer First}_${infer Rest}` ? `${First}${Capitalize<Camel<Rest> & string>}` : Name;
type Sent<Body> = Body extends Array<infer Item> ? Array<Sent<Item>>
  : Body extends object ? (string extends keyof Body ? Body : { [Key in keyof Body as Camel<Key>]: Sent<Body[Key]> })
  : Body;
export type Board = Sent<CreateANewDashboardForAnOrganizationData["body"]>;
export type Monitor = Sent<CreateAMonitorForAProjectData["body"]>;
export type Alert = Sent<CreateAnAlertForAnOrganizationData["body"]>;
"""
OPTIONS = ("--strict", "--noEmit", "--skipLibCheck", "--target", "es2022", "--module", "es2022")


def check(folder: Path, values: Mapping[str, list[Any]]) -> str:
    """Check values of each type; return TypeScript's complaints."""
    (folder / "node_modules").symlink_to(MODULES)
    (folder / "types.ts").write_text(TYPES)
    lines = ['import type { Alert, Board, Monitor } from "./types";']
    lines += [
        f"export const {kind.lower()}{number}: {kind} = {json.dumps(value)};"
        for kind, all_of_kind in values.items()
        for number, value in enumerate(all_of_kind)
    ]
    (folder / "values.ts").write_text("\n".join(lines))
    command = ["node", str(MODULES / "typescript/bin/tsc"), *OPTIONS, "--moduleResolution", "bundler", "values.ts"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False).stdout


def test_what_we_send_has_the_types_of_sentry_and_a_misspelt_key_has_not(tmp_path: Path) -> None:
    """Boards, monitors and alerts are right; of three mistakes, each on its own level, each is reported."""
    alerts = [alert(made) for made in ALERTS]
    sent: dict[str, list[Any]] = {
        "Board": [board(made) for made in BOARDS],
        "Monitor": [made["monitor"] for made in alerts if made["monitor"]],
        "Alert": [made["alert"] for made in alerts],
    }
    wrong = [
        {"titel": "x", "title": "x"},
        {"title": "x", "widgets": [{"title": "x", "displayType": "lines"}]},
        {"title": "x", "widgets": [{"title": "x", "queries": [{"orderBy": "x"}]}]},
    ]
    right, mistaken = tmp_path / "right", tmp_path / "wrong"
    right.mkdir()
    mistaken.mkdir()
    assert check(right, sent) == ""
    complaints = check(mistaken, {"Board": wrong})
    assert [f"values.ts({line}," in complaints for line in (2, 3, 4)] == [True] * 3
