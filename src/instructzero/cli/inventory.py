"""The installed tasks, search methods and models, listed on the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from instructzero.tasks import builtin_names, load_builtin


def print_tasks() -> None:
    """Print one line per built-in task."""
    table = _table()
    table.add_column("task", no_wrap=True)
    for column in ("metric", "search", "test", "description"):
        table.add_column(column, justify="right" if column in ("search", "test") else "left", overflow="fold")
    for name in builtin_names():
        data = load_builtin(name)
        sizes = (str(len(data.search)), str(len(data.test or ())))
        table.add_row(name, data.metric, *sizes, data.description)
    _console().print(table)


def print_task(name: str, examples: int = 5) -> None:
    """Print the first examples of a built-in task; raise `TaskError` for an unknown name."""
    data = load_builtin(name)
    console = _console()
    console.print(f"{data.name}: {data.description} ({data.metric})", markup=False)
    table = _table()
    table.add_column("input", overflow="fold")
    table.add_column("accepted answers", overflow="fold")
    for example in data.search[:examples]:
        table.add_row(Text(example.input), Text(" | ".join(example.outputs)))
    console.print(table)


def print_methods() -> None:
    """Print one line per search method: the built-in ones, and those of installed packages."""
    from instructzero.optimizers.registry import get_method
    from instructzero.registry import METHODS

    table = _table()
    table.add_column("method", no_wrap=True)
    table.add_column("description", overflow="fold")
    for name in METHODS.names():
        table.add_row(Text(name), Text(get_method(name).summary))
    table.add_row(Text("python:module:Class"), Text("an Optimizer of your own"))
    _console().print(table)


def print_models() -> None:
    """Print the forms of model specifications, and the embedded models with their sizes."""
    from instructzero.models.packed import embedded_folder

    table = _table()
    for column in ("role", "specification", "description"):
        table.add_column(column, overflow="fold")
    for row in _models():
        table.add_row(*map(Text, row))
    console = _console()
    console.print(table)
    for folder in sorted(path for path in embedded_folder().iterdir() if path.is_dir() and path.name != "__pycache__"):
        size = (folder / "model.safetensors").stat().st_size / 1e6
        console.print(f"embedded:{folder.name}  {size:.1f} MB, card: {folder / 'MODEL_CARD.md'}", soft_wrap=True)


def _models() -> Iterator[tuple[str, str, str]]:
    """Yield role, specification and description: the writers first, then the black boxes."""
    from instructzero.models.registry import backends

    known = backends().values()
    for backend in known:
        if backend.writer is not None:
            yield "writer", backend.writer.form or backend.form, backend.writer.summary
        elif backend.blackbox is not None:
            yield "writer", backend.blackbox.form or backend.form, "asked for texts in words, without soft prompts"
    for backend in known:
        if backend.blackbox is not None:
            yield "black box", backend.blackbox.form or backend.form, backend.blackbox.summary


def _table() -> Table:
    return Table(box=None, padding=(0, 2, 0, 0))


def _console() -> Console:
    return Console(highlight=False)
