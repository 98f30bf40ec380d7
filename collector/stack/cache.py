"""The cache of built programs.

In: recipes. Out: one folder for each program and its inputs, complete or absent. State: the cache folder, in the user's
cache directory or SEARCH_TELEMETRY_STACK_CACHE.

A folder's name ends in a digest of the recipe's inputs: an edited manifest builds a new program, and the old one stays.
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
    """The folder of a built program."""
    digest = hashlib.sha256(f"{platform.system()} {platform.machine()}".encode())
    for part in recipe.build_inputs:
        digest.update(hashlib.sha256(part).digest())
    return root() / f"{recipe.name}-{recipe.version}-{digest.hexdigest()[:12]}"


def log_of(recipe: Recipe) -> Path:
    """The log of a program's last build."""
    return root() / "logs" / f"{recipe.name}.log"


def is_built(recipe: Recipe) -> bool:
    """Whether a program is in the cache."""
    return all((folder(recipe) / output).exists() for output in recipe.outputs)


def binary(name: str) -> Path:
    """The path of a binary, by its name.

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
            f"{name} {recipe.version} is not built: {folder(recipe)} does not exist.",
            f"make stack   (or: telemetry stack build {name})",
        )
    return folder(recipe)


@contextlib.contextmanager
def publishing(recipe: Recipe) -> Iterator[tuple[Path, Path]]:
    """Yield a working folder and an output folder; the output is renamed into the cache at the end, atomically."""
    building = root() / f"{_UNFINISHED}{recipe.name}"
    _remove(building)  # from a build that was killed
    work, out = building / "work", building / "out"
    work.mkdir(parents=True)
    (out / "bin").mkdir(parents=True)
    try:
        yield work, out
        absent = [output for output in recipe.outputs if not (out / output).exists()]
        if absent:
            raise StackError(
                f"The build of {recipe.name} did not produce {', '.join(absent)}.", f"See {log_of(recipe)}."
            )
        _remove(folder(recipe))  # it is incomplete: `is_built` is false
        out.rename(folder(recipe))
    finally:
        _remove(building)


@contextlib.contextmanager
def only_one(waiting: Callable[[], None]) -> Iterator[None]:
    """Allow one build at a time; `waiting` is called if another one is running."""
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
