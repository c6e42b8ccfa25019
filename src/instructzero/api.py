"""The one function most users need."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from instructzero.build import execute, split
from instructzero.config import Settings, make_settings
from instructzero.errors import ConfigurationError
from instructzero.models.callable import CallableBlackBox
from instructzero.models.registry import SERVERS
from instructzero.protocols import BlackBox, SoftPromptModel
from instructzero.records.directory import RunDirectory
from instructzero.records.observers import Observer
from instructzero.records.result import Result
from instructzero.report import write_report
from instructzero.tasks import Task, TaskData
from instructzero.types import Example

Examples = Iterable[tuple[str, str] | Example]


def optimize(
    task: str | Path | Task | Examples,
    *,
    writer: str | SoftPromptModel = "embedded:writer",
    blackbox: str | BlackBox | Callable[[str], str] = "embedded:blackbox",
    directory: str | Path | None = None,
    observer: Observer | None = None,
    **settings: Any,
) -> Result:
    """Find the instruction with which ``blackbox`` does ``task`` best.

    >>> import instructzero
    >>> result = instructzero.optimize("antonyms", evaluations=50)  # doctest: +SKIP
    >>> print(result.instruction, result.test_score)                # doctest: +SKIP

    ``task`` is a built-in task's name, a file, a `Task`, or pairs of input and output. ``writer`` and ``blackbox`` are
    specifications such as ``"hf:FOLDER"`` and ``"openai:MODEL"``, or objects; a plain function from prompt to answer is
    a black box too. ``settings`` are the flags of ``instructzero run`` with underscores, for example ``seed=1`` or
    ``metric="f1"``. The run is kept in ``directory`` (by default ``runs/TASK-METHOD-SEED``): called again with the
    same settings, it continues there and repeats no call.

    Raises `instructzero.UserError` for what has to be mended and `instructzero.EndpointError` when the black box fails.
    """
    chosen = resolve_paths(make_settings({**settings, **_names(task, writer, blackbox)}))
    return _reported(
        chosen,
        Path(directory) if directory is not None else default_directory(chosen),
        observer or Observer(),
        task=None if isinstance(task, str | Path) else _task(task, chosen),
        writer_model=None if isinstance(writer, str) else writer,
        blackbox=None if isinstance(blackbox, str) else _blackbox(blackbox),
    )


def run_settings(settings: Settings, directory: Path, observer: Observer) -> Result:
    """Run what the settings name, from nothing or from where the directory has got to."""
    given = [name for name in ("writer", "blackbox") if getattr(settings, name).startswith("object:")]
    if given:
        raise ConfigurationError(
            f"the {' and the '.join(given)} of this run {'was a' if len(given) == 1 else 'were'} Python "
            f"object{'s' if len(given) > 1 else ''}; continue it with instructzero.optimize and the same arguments"
        )
    return _reported(resolve_paths(settings), directory, observer)


def _reported(
    settings: Settings,
    directory: Path,
    observer: Observer,
    *,
    task: Task | None = None,
    writer_model: SoftPromptModel | None = None,
    blackbox: BlackBox | None = None,
) -> Result:
    """Run to the end and write the report; a run is not lost because its report could not be made."""
    result = execute(settings, directory, observer, task=task, writer_model=writer_model, blackbox=blackbox)
    try:
        write_report(directory, task=task)
    except Exception as error:
        warnings.warn(
            f"the run is complete, but its report could not be made ({type(error).__name__}: {error}); "
            f"try 'instructzero report {directory}'",
            RuntimeWarning,
            stacklevel=3,
        )
    return result


def resume(directory: str | Path, *, observer: Observer | None = None) -> Result:
    """Continue the run in ``directory`` to its end, with the settings it was begun with."""
    path = Path(directory)
    return run_settings(RunDirectory.read_settings(path), path, observer or Observer())


def default_directory(settings: Settings) -> Path:
    name = re.sub(r"[^\w.-]+", "-", Path(settings.task).stem)
    return Path("runs") / f"{name}-{settings.method}-{settings.seed}"


def resolve_paths(settings: Settings) -> Settings:
    """The settings with absolute paths, so that a run resumes from any working directory."""
    paths = {name: getattr(settings, name) for name in ("data_dir", "test_data", "store")}
    changes: dict[str, Any] = {name: path.resolve() for name, path in paths.items() if path is not None}
    if settings.data_dir is None and Path(settings.task).is_file():
        changes["task"] = str(Path(settings.task).resolve())
    for name in ("writer", "blackbox", "judge"):
        spec = getattr(settings, name) or ""
        kind = next((f"{kind}:" for kind in ("hf", *SERVERS) if spec.startswith(f"{kind}:")), "")
        folder = spec.removeprefix(kind)
        if folder and Path(folder).is_dir():
            changes[name] = f"{kind}{Path(folder).resolve()}"
    return settings.model_copy(update=changes)


def _names(task: object, writer: object, blackbox: object) -> dict[str, str]:
    """How the settings name what was given as an object."""
    name = str(task) if isinstance(task, str | Path) else task.name if isinstance(task, Task) else "examples"
    return {
        "task": name,
        "writer": writer if isinstance(writer, str) else f"object:{type(writer).__name__}",
        "blackbox": blackbox if isinstance(blackbox, str) else f"object:{type(blackbox).__name__}",
    }


def _task(task: Task | Examples, settings: Settings) -> Task:
    if isinstance(task, Task):
        return task
    examples = tuple(each if isinstance(each, Example) else Example(each[0], (each[1],)) for each in task)
    return split(TaskData(name="examples", search=examples), settings)


def _blackbox(blackbox: BlackBox | Callable[[str], str]) -> BlackBox:
    if callable(blackbox):
        return CallableBlackBox(blackbox, getattr(blackbox, "__qualname__", "function"))
    return blackbox
