"""The built-in tasks: one JSON file per task in ``builtin/``."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable

from instructzero.errors import TaskError
from instructzero.tasks.data import Columns, TaskData, keep_apart, to_examples
from instructzero.tasks.files.formats import SUFFIXES, parse_json
from instructzero.tasks.hints import nearest_hint


def _builtin_files() -> dict[str, Traversable]:
    folder = files("instructzero.tasks") / "builtin"
    if not folder.is_dir():
        return {}
    return {file.name.removesuffix(".json"): file for file in folder.iterdir() if file.name.endswith(".json")}


def builtin_names() -> tuple[str, ...]:
    """Return the names of the built-in tasks, sorted."""
    return tuple(sorted(_builtin_files()))


def load_builtin(name: str) -> TaskData:
    """Return the built-in task ``name``, its parts disjoint by input.

    Raises
    ------
    TaskError
        If there is no such task; the message suggests the nearest name.
    """
    file = _builtin_files().get(name)
    if file is None:
        raise TaskError(unknown_task(name))
    document = parse_json(file.read_text(encoding="utf-8"), f"built-in task {name!r}")
    test = to_examples(document.test, Columns()) if document.test is not None else None
    search, test = keep_apart(name, to_examples(document.search, Columns()), test)
    return TaskData(name, search, test, document.metric, document.description)


def unknown_task(name: str) -> str:
    """Return the error message for a name that is neither a built-in task nor a file."""
    names = builtin_names()
    asked = f"unknown task {name!r}{nearest_hint(name, names)}"
    return f"{asked}; expected a file ({', '.join(SUFFIXES)}), hf:DATASET or one of {', '.join(names)}"
