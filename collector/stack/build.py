"""Builds the programs that are not in the cache yet."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from collector.stack import cache
from collector.stack.errors import BuildError, StackError
from collector.stack.progress import Lines
from collector.stack.recipes import RECIPES
from collector.stack.recipes.collector import LOCKS, Collector
from collector.stack.recipes.recipe import Recipe
from collector.stack.shell import TOOLS, Shell, is_installed
from telemetry.errors import did_you_mean


def build(names: Sequence[str] = (), console: Console | None = None) -> None:
    """Build these programs, or all; those in the cache are skipped.

    Raises:
        StackError: a name is not known.
        BuildError: a tool is missing, and nothing was built; or programs failed, each with its reason, and the others
            are built.
    """
    console = console or Console(soft_wrap=True)
    wanted = chosen(names)
    missing = [recipe for recipe in wanted if not cache.is_built(recipe)]
    _require_tools(missing)
    with Lines(console) as lines:
        for recipe in wanted:
            if recipe not in missing:
                lines.line(_title(recipe), "ready", "green")
        if missing:
            _build_all(missing, lines, console)
    console.print(f"[dim]  in {cache.root()}", highlight=False)


def lock() -> None:
    """Regenerate the Collector's go.mod and go.sum from its manifest."""
    with TemporaryDirectory() as work:
        Collector().lock(Shell(cache.root() / "logs" / "lock.log", print), Path(work))
    print("Written:", *LOCKS)


def chosen(names: Sequence[str]) -> Sequence[Recipe]:
    """The recipes of these names, in the order of building."""
    known = [recipe.name for recipe in RECIPES]
    unknown = [name for name in names if name not in known]
    if unknown:
        hint = did_you_mean(unknown[0], known) or f"There are: {', '.join(known)}."
        raise StackError(f"No program is called {', '.join(unknown)}.", hint)
    return [recipe for recipe in RECIPES if not names or recipe.name in names]


def _require_tools(recipes: Sequence[Recipe]) -> None:
    """Raise a `BuildError` that names all missing tools, before minutes of compiling."""
    needed = {tool: [recipe.name for recipe in recipes if tool in recipe.tools] for tool in TOOLS}
    missing = {tool: names for tool, names in needed.items() if names and not is_installed(tool)}
    if missing:
        raise BuildError(
            "\n".join(f"{tool} is not on the PATH; needed for {', '.join(names)}." for tool, names in missing.items()),
            "\n".join(TOOLS[tool] for tool in missing),
        )


def _build_all(missing: Sequence[Recipe], lines: Lines, console: Console) -> None:
    def waiting() -> None:
        console.print(f"  Waiting for another build in {cache.root()} …", highlight=False)

    failed = []
    with cache.only_one(waiting):
        for recipe in missing:
            problem = None if cache.is_built(recipe) else _build_one(recipe, lines)
            if problem is not None:
                failed.append(f"{recipe.name}: {problem.message}" + (f"\n  {problem.hint}" if problem.hint else ""))
    if failed:
        raise BuildError("\n\n".join(failed))


def _build_one(recipe: Recipe, lines: Lines) -> StackError | None:
    """Build a program, and return its error: the others are still built."""
    step = lines.begin(_title(recipe))
    try:
        with cache.publishing(recipe) as (work, out):
            recipe.make(Shell(cache.log_of(recipe), step), work, out)
    except (StackError, OSError) as problem:
        lines.end("failed", "red")
        return problem if isinstance(problem, StackError) else BuildError(str(problem))
    lines.end("built", "green")
    return None


def _title(recipe: Recipe) -> str:
    return f"{recipe.name} {recipe.version}"
