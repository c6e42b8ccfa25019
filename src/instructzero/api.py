"""The Python interface: `optimize` and `resume`."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable
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
from instructzero.tasks import Rows, Task, load_rows, resolved, source_name

_LOGGER = logging.getLogger("instructzero")
_ROWS = "examples"  # the name of a task that is given as rows


def optimize(
    task: str | Path | Task | Rows,
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
        The name of a built-in task, a file, a data set ``hf:NAME[#CONFIG][:SPLIT]``, a `Task`, or rows in Python: pairs
        of input and answer (or a list of accepted answers), dicts, a DataFrame of pandas or polars, a Table of pyarrow,
        a Dataset or DatasetDict of ``datasets``. ``input_column`` and ``output_column`` name their columns.
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
        observer or Notices(),
        task=None if isinstance(task, str | Path) else _task(task, chosen),
        writer_model=None if isinstance(writer, str) else writer,
        blackbox=None if isinstance(blackbox, str) else _blackbox(blackbox),
    )


class Notices(Observer):
    """Logs what the user should know about a run under the name ``instructzero``, at the level of warnings."""

    def warned(self, message: str) -> None:
        """Log a warning."""
        _LOGGER.warning("%s", message)

    def was_complete(self) -> None:
        """Log that the result is the one of an earlier call."""
        _LOGGER.warning("this run was complete already: nothing was asked; for a new run, name another directory")


def run_settings(settings: Settings, directory: Path, observer: Observer) -> Result:
    """Run, or continue, the run of ``settings`` in ``directory``."""
    given = [name for name in ("writer", "blackbox") if getattr(settings, name).startswith("object:")]
    if given:
        raise ConfigurationError(
            f"the {' and the '.join(given)} of this run {'was a' if len(given) == 1 else 'were'} Python "
            f"object{'s' if len(given) > 1 else ''}; continue it with instructzero.optimize and the same arguments"
        )
    if settings.task == _ROWS and settings.data_dir is None:
        raise ConfigurationError(
            "the examples of this run were rows in Python; continue it with instructzero.optimize and the same "
            "arguments"
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
    return run_settings(RunDirectory.read_settings(path), path, observer or Notices())


def default_directory(settings: Settings) -> Path:
    """Return the directory of a run for which none is given: ``runs/TASK-METHOD-SEED``."""
    name = f"{source_name(settings.task)}-{settings.method}-{settings.seed}"
    return Path("runs") / re.sub(r"[^\w.-]+", "-", name)


def resolve_paths(settings: Settings) -> Settings:
    """Return the settings with absolute paths, so that a run can be resumed from any working directory."""
    paths = {name: getattr(settings, name) for name in ("data_dir", "store")}
    changes: dict[str, Any] = {name: path.resolve() for name, path in paths.items() if path is not None}
    if settings.test_data is not None:
        changes["test_data"] = Path(resolved(settings.test_data))
    if settings.data_dir is None:
        changes["task"] = resolved(settings.task)
    for name in ("writer", "blackbox", "judge"):
        if spec := getattr(settings, name):
            changes[name] = with_absolute_folder(spec)
    return settings.model_copy(update=changes)


def _names(task: object, writer: object, blackbox: object) -> dict[str, str]:
    """Return the names in the settings of a task and models that may be objects."""
    name = str(task) if isinstance(task, str | Path) else task.name if isinstance(task, Task) else _ROWS
    return {
        "task": name,
        "writer": writer if isinstance(writer, str) else f"object:{type(writer).__name__}",
        "blackbox": blackbox if isinstance(blackbox, str) else f"object:{type(blackbox).__name__}",
    }


def _task(task: Task | Rows, settings: Settings) -> Task:
    if isinstance(task, Task):
        return task
    data = load_rows(
        task,
        name=_ROWS,
        test_source=settings.test_data,
        input_column=settings.input_column,
        output_column=settings.output_column,
        answer_separator=settings.answer_separator,
        metric=settings.metric,
    )
    return split(data, settings)


def _blackbox(blackbox: BlackBox | Callable[[str], str]) -> BlackBox:
    if callable(blackbox):
        return CallableBlackBox(blackbox, getattr(blackbox, "__qualname__", "function"))
    return blackbox
