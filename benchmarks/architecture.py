"""The structure of the package as its imports have it, and a picture of it.

    python -m benchmarks.architecture        # draws docs/images/architecture.svg

`LAYERS` is the order that the imports have to keep; `tests/test_architecture.py` holds the code against it.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "instructzero"
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "architecture.svg"

LAYERS = (
    ("cli", "__main__"),
    ("api", "bench", "watch"),
    ("report", "exports", "integrations"),
    ("estimate",),
    ("execute", "finished_run", "use"),
    ("build",),
    ("checks", "pricing"),
    ("search",),
    ("optimizers", "writing", "scoring", "roles"),
    ("progress",),
    ("calls", "records"),
    ("prompts",),
    ("bo", "models", "tasks", "testing"),
    ("protocols", "config", "statistics"),
    ("terminal", "registry", "files"),
    ("types", "errors"),
)
"""Folders and flat modules from the top down: nothing imports what stands above it."""

GROUND = ("types", "errors", "config", "protocols", "terminal")
"""Imported by nearly everybody: their arrows are not drawn."""

NOTES = {
    "cli": "one file a command",
    "api": "optimize(), resume()",
    "bench": "methods × tasks × seeds",
    "watch": "live pages",
    "report": "one HTML page a run",
    "exports": "scripts, tables, figures",
    "integrations": "experiment trackers",
    "build": "settings → objects",
    "execute": "runs a run",
    "checks": "refuses what cannot run",
    "pricing": "what the roles cost",
    "roles": "where each model is asked",
    "estimate": "--dry-run",
    "finished_run": "reads a run directory",
    "use": "result.ask()",
    "search": "Algorithm 1, racing, final selection",
    "optimizers": "one method a file",
    "writing": "z → soft prompt → instruction",
    "scoring": "instruction → aligned scores",
    "progress": "the live display",
    "calls": "paying for an answer",
    "records": "journal, directory, result",
    "prompts": "what the models read",
    "bo": "GP, kernels, acquisition",
    "models": "one backend a file",
    "tasks": "examples and metrics",
    "testing": "a faulty endpoint",
    "protocols": "what a model offers",
    "config": "Settings",
    "statistics": "intervals, tests",
    "types": "values of a run",
    "errors": "one sentence each",
}


def modules() -> dict[str, Path]:
    """Return the modules by dotted name below ``instructzero``; the package itself is ""."""
    found = {}
    for path in SOURCE.rglob("*.py"):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path, *, deferred: bool = True) -> Iterator[str]:
    """Yield the dotted names below ``instructzero`` that a module imports, those for type checkers aside.

    Without ``deferred``, imports inside functions do not count.
    """
    for node in _nodes(ast.parse(path.read_text(encoding="utf-8")), deferred):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "instructzero":
            base = (node.module or "").removeprefix("instructzero").removeprefix(".")
            yield from (f"{base}.{alias.name}".removeprefix(".") for alias in node.names)
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            yield from (name.removeprefix("instructzero.") for name in names if name.startswith("instructzero."))


def _nodes(node: ast.AST, deferred: bool) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if not deferred and isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        yield child
        yield from _nodes(child, deferred)


def room(name: str) -> str:
    """Return the folder or flat module that a dotted name belongs to."""
    return name.partition(".")[0]


def edges() -> Counter[tuple[str, str]]:
    """Count the imports between rooms: (importing room, imported room) to how many names."""
    found = modules()
    rooms = {room(name) for name in found}
    pairs = ((room(name), room(target)) for name, path in found.items() if name for target in imports(path))
    return Counter(pair for pair in pairs if pair[1] in rooms and pair[0] != pair[1])


def module_of(imported: str, known: dict[str, Path]) -> str:
    """Return the module in which an imported name lives."""
    while imported and imported not in known:
        imported = imported.rpartition(".")[0]
    return imported


def draw(path: Path) -> None:
    """Draw the rooms on their floors, and the imports between them, as SVG."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "instructzero"  # the same picture is the same file
    from matplotlib import pyplot

    shown = [[name for name in layer if name in NOTES] for layer in LAYERS]
    shown = [layer for layer in shown if layer]
    places = {
        name: ((number - (len(layer) - 1) / 2) * 3.1, -1.15 * floor)
        for floor, layer in enumerate(shown)
        for number, name in enumerate(layer)
    }
    figure, axes = pyplot.subplots(figsize=(11, 11))
    for (source, target), count in sorted(edges().items()):
        if source in places and target in places and target not in GROUND:
            arrow = {"arrowstyle": "-", "color": "#3b6ea5", "alpha": min(0.6, 0.1 + count / 60), "lw": 1.1}
            axes.annotate("", places[target], places[source], arrowprops=arrow)
    for name, (x, y) in places.items():
        folder = (SOURCE / name).is_dir()
        box = {"boxstyle": "round,pad=0.45", "fc": "#eaf2fb" if folder else "#ffffff", "ec": "#1f3b57", "lw": 1.2}
        title = f"{name}/" if folder else name
        axes.text(x, y, f"{title}\n{NOTES[name]}", ha="center", va="center", fontsize=8.5, bbox=box, linespacing=1.4)
    axes.set_xlim(-6.6, 6.6)
    axes.set_ylim(-1.15 * (len(shown) - 0.5), 0.6)
    axes.axis("off")
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})


if __name__ == "__main__":
    draw(PICTURE)
    print(PICTURE)
