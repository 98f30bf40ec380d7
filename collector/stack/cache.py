"""Where built programs lie.

In: recipes. Out: one folder for each program and each set of what it is made of, complete or absent. State: the cache
folder, in the user's cache directory or where SEARCH_TELEMETRY_STACK_CACHE says.

A folder's name ends in a digest of its recipe's material: whoever edits the manifest gets a new program, whoever goes
back finds the old one.
"""

import contextlib
import fcntl
import hashlib
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import platformdirs

from collector.stack.errors import NotBuiltError, StackError
from collector.stack.recipes import RECIPES
from collector.stack.recipes.recipe import Recipe

VARIABLE: Final = "SEARCH_TELEMETRY_STACK_CACHE"
_UNFINISHED: Final = ".building-"


def root() -> Path:
    """The cache folder."""
    own = os.environ.get(VARIABLE, "").strip()
    return Path(own).expanduser().absolute() if own else platformdirs.user_cache_path("search-telemetry") / "stack"


def folder(recipe: Recipe) -> Path:
    """Where a program lies once it is built."""
    digest = hashlib.sha256(f"{platform.system()} {platform.machine()}".encode())
    for part in recipe.material:
        digest.update(hashlib.sha256(part).digest())
    return root() / f"{recipe.name}-{recipe.version}-{digest.hexdigest()[:12]}"


def log_of(recipe: Recipe) -> Path:
    """What the tools said when a program was last built."""
    return root() / "logs" / f"{recipe.name}.log"


def is_built(recipe: Recipe) -> bool:
    """Whether a program is there, whole."""
    return all((folder(recipe) / output).exists() for output in recipe.outputs)


def binary(name: str) -> Path:
    """The path of a binary, by its own name.

    Raises:
        NotBuiltError: it is not in the cache.
    """
    for recipe in RECIPES:
        if f"bin/{name}" in recipe.outputs:
            return built(recipe.name) / "bin" / name
    raise KeyError(name)


def built(name: str) -> Path:
    """The folder of a program.

    Raises:
        NotBuiltError: it is not in the cache.
    """
    recipe = next(recipe for recipe in RECIPES if recipe.name == name)
    if not is_built(recipe):
        raise NotBuiltError(
            f"{name} {recipe.version} is not built: {folder(recipe)} is not there.",
            f"make stack   (or: telemetry stack build {name})",
        )
    return folder(recipe)


@contextlib.contextmanager
def publishing(recipe: Recipe) -> Iterator[tuple[Path, Path]]:
    """Give a folder to work in and one to fill; the filled one takes its place at the end, at once or not at all."""
    building = root() / f"{_UNFINISHED}{recipe.name}"
    _remove(building)  # of a build that was killed
    work, out = building / "work", building / "out"
    work.mkdir(parents=True)
    (out / "bin").mkdir(parents=True)
    try:
        yield work, out
        absent = [output for output in recipe.outputs if not (out / output).exists()]
        if absent:
            raise StackError(f"The build of {recipe.name} left no {', '.join(absent)}.", f"See {log_of(recipe)}.")
        _remove(folder(recipe))  # incomplete, or `is_built` had said so
        out.rename(folder(recipe))
    finally:
        _remove(building)


@contextlib.contextmanager
def only_one(waiting: Callable[[], None]) -> Iterator[None]:
    """Let one build at a time into the cache; `waiting` is called where another has to end first."""
    root().mkdir(parents=True, exist_ok=True)
    with (root() / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _remove(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
