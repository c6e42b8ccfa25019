"""The Python interface: `optimize` and `resume`."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from instructzero.build import split
from instructzero.config import Settings, make_settings
from instructzero.errors import ConfigurationError
from instructzero.execute import execute
from instructzero.models.callable import CallableBlackBox
from instructzero.models.registry import with_absolute_folder
from instructzero.protocols import BlackBox, SoftPromptModel
from instructzero.records.directory import RunDirectory
from instructzero.records.observers import Observer
from instructzero.records.result import Result
from instructzero.report import write_report
from instructzero.tasks import Task, TaskData, is_task_file
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
    """Find the instruction with which ``blackbox`` performs ``task`` best.

    >>> import instructzero
    >>> result = instructzero.optimize("antonyms", evaluations=50)  # doctest: +SKIP
    >>> print(result.instruction, result.test_score)                # doctest: +SKIP

    Parameters
    ----------
    task
        The name of a built-in task, a file, a `Task`, or pairs of input and output.
    writer
        A specification such as ``"hf:FOLDER"``, or an object.
    blackbox
        A specification such as ``"openai:MODEL"``, an object, or a function from prompt to answer.
    directory
        The directory of the run, by default ``runs/TASK-METHOD-SEED``. Called again with the same settings, the run
        continues there and repeats no call.
    observer
        Receives the events of the run.
    settings
        The flags of ``instructzero run`` with underscores, for example ``seed=1`` or ``metric="f1"``.

    Returns
    -------
    Result
        The best instruction with its scores, and all trials.

    Raises
    ------
    instructzero.UserError
        If something in the input must be fixed.
    instructzero.EndpointError
        If the black box fails.
    instructzero.BudgetExhausted
        If a limit leaves no room for the final selection and test.
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
    """Run, or continue, the run of ``settings`` in ``directory``."""
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
    """Run to the end and write the report; if the report fails, warn and return the result all the same."""
    result = execute(settings, directory, observer, task=task, writer_model=writer_model, blackbox=blackbox)
    try:
        write_report(directory, task=task)
    except Exception as error:
        warnings.warn(
            f"the run is complete, but its report could not be written ({type(error).__name__}: {error}); "
            f"try 'instructzero report {directory}'",
            RuntimeWarning,
            stacklevel=3,
        )
    return result


def resume(directory: str | Path, *, observer: Observer | None = None) -> Result:
    """Continue the run in ``directory`` to its end, with the settings that it was started with."""
    path = Path(directory)
    return run_settings(RunDirectory.read_settings(path), path, observer or Observer())


def default_directory(settings: Settings) -> Path:
    """Return the directory of a run for which none is given: ``runs/TASK-METHOD-SEED``."""
    name = f"{Path(settings.task).stem}-{settings.method}-{settings.seed}"
    return Path("runs") / re.sub(r"[^\w.-]+", "-", name)


def resolve_paths(settings: Settings) -> Settings:
    """Return the settings with absolute paths, so that a run can be resumed from any working directory."""
    paths = {name: getattr(settings, name) for name in ("data_dir", "test_data", "store")}
    changes: dict[str, Any] = {name: path.resolve() for name, path in paths.items() if path is not None}
    if settings.data_dir is None and is_task_file(settings.task) and Path(settings.task).exists():
        changes["task"] = str(Path(settings.task).resolve())
    for name in ("writer", "blackbox", "judge"):
        if spec := getattr(settings, name):
            changes[name] = with_absolute_folder(spec)
    return settings.model_copy(update=changes)


def _names(task: object, writer: object, blackbox: object) -> dict[str, str]:
    """Return the names in the settings of a task and models that may be objects."""
    name = str(task) if isinstance(task, str | Path) else task.name if isinstance(task, Task) else "examples"
    return {
        "task": name,
        "writer": writer if isinstance(writer, str) else f"object:{type(writer).__name__}",
        "blackbox": blackbox if isinstance(blackbox, str) else f"object:{type(blackbox).__name__}",
    }


def _task(task: Task | Examples, settings: Settings) -> Task:
    if isinstance(task, Task):
        return task
    examples = tuple(pair if isinstance(pair, Example) else Example(pair[0], (pair[1],)) for pair in task)
    return split(TaskData(name="examples", search=examples), settings)


def _blackbox(blackbox: BlackBox | Callable[[str], str]) -> BlackBox:
    if callable(blackbox):
        return CallableBlackBox(blackbox, getattr(blackbox, "__qualname__", "function"))
    return blackbox
