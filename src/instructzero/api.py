"""The Python interface: `optimize` and `resume`."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeGuard

from instructzero.build import build_task, split
from instructzero.checks import check_begun_here, check_writer_is_named
from instructzero.config import Settings, make_settings
from instructzero.errors import ConfigurationError
from instructzero.execute import execute
from instructzero.integrations.notebook import program_progress
from instructzero.models.event_loop import Interrupt
from instructzero.models.given import as_blackbox
from instructzero.models.registry import ASKED_OBJECT, OBJECT, with_absolute_folder
from instructzero.models.waits import clock, in_words
from instructzero.pricing import role_prices
from instructzero.prompts import columns_shown
from instructzero.protocols import BlackBox, SoftPromptModel
from instructzero.records.directory import RunDirectory
from instructzero.records.observers import Observer
from instructzero.records.places import default_directory
from instructzero.records.relays import Callback, Relay, passed_to
from instructzero.records.result import Result
from instructzero.report import write_report
from instructzero.tasks import Rows, Task, load_rows, resolved
from instructzero.tasks.files.rows import NAME_OF_ROWS

_LOGGER = logging.getLogger("instructzero")


def optimize(
    task: str | Path | Task | Rows,
    *,
    writer: str | SoftPromptModel | BlackBox | Callable[[str], str] | None = None,
    blackbox: str | BlackBox | Callable[[str], str] = "embedded:blackbox",
    directory: str | Path | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    progress: bool = False,
    observer: Observer | Callback | None = None,
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
        A specification such as ``"hf:FOLDER"`` or ``"openai:MODEL"``, an object, a ``dspy.LM``, or a function from
        request to answer.
        The embedded writer is the default for built-in tasks; other tasks need a writer that knows them.
    blackbox
        A specification such as ``"openai:MODEL"``, an object, a ``dspy.LM``, or a function from prompt to answer.
    directory
        The directory of the run, by default ``runs/TASK-METHOD-SEED`` with the names of models other than the embedded
        ones. Called again with the same settings, the run continues there and repeats no call; so it does with more
        ``evaluations`` or ``search_calls``, a longer ``test``, or another number of ``finalists``.
    out
        The same as ``directory``, named as on the command line; give one of the two.
    overwrite
        Begin anew in ``directory``, with the stored answers of the run that is there.
    progress
        Show the progress: a table in a notebook, or on standard error one in a terminal and log lines elsewhere.
    observer
        Receives the events of the run, in the thread that runs it: an `Observer`, or a function that is called with the
        name of each event and a mapping of its values, which are the parameters of the `Observer`'s method.
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
    given = make_settings({**settings, **_names(task, writer, blackbox)})
    check_writer_is_named(given, _as_call, given=not isinstance(task, str | Path))
    chosen = resolve_paths(given)
    place = _place(directory, out)
    writer_model, asked_writer = _writers(writer)
    with _watched(observer, progress, chosen) as watching:
        return _reported(
            chosen,
            default_directory(chosen) if place is None else place,
            watching,
            task=None if isinstance(task, str | Path) else _task(task, chosen),
            writer_model=writer_model,
            asked_writer=asked_writer,
            blackbox=None if isinstance(blackbox, str) else as_blackbox(blackbox),
            overwrite=overwrite,
        )


async def aoptimize(task: str | Path | Task | Rows, **arguments: Any) -> Result:
    """Do what `optimize` does in a thread, so that the event loop goes on.

    A cancellation stops the run as Ctrl-C does: answers that arrive in the next few seconds are stored, and the same
    call continues the run. It returns when the run has stopped, after the current computation of the writer's model.

    Parameters
    ----------
    task, arguments
        Those of `optimize`. The observer is called in the thread.

    Returns
    -------
    Result
        The result of `optimize`, which also says what is raised.
    """
    interrupt = Interrupt()

    def run() -> Result | None:
        with interrupt.heeded(), contextlib.suppress(KeyboardInterrupt):
            return optimize(task, **arguments)
        return None

    thread = ThreadPoolExecutor(1, thread_name_prefix="instructzero-run")
    work = asyncio.get_running_loop().run_in_executor(thread, contextvars.copy_context().run, run)
    thread.shutdown(wait=False)  # it ends with the run
    try:
        result = await asyncio.shield(work)
    except asyncio.CancelledError:
        interrupt.send()
        await asyncio.wait([work])
        raise
    if result is None:
        raise asyncio.CancelledError
    return result


class EarlierResult(Observer):
    """Logs that the result is the one of an earlier call, under the name ``instructzero``, at the level of warnings."""

    def was_complete(self) -> None:
        """Log that the result is the one of an earlier call."""
        _LOGGER.warning("this run was complete already: nothing was asked; for a new run, name another directory")


class Notices(EarlierResult):
    """Logs also the warnings, and the waits for a service."""

    def waiting(self, role: str, seconds: float, reason: str) -> None:
        """Log a wait."""
        _LOGGER.warning("waiting for the %s until %s, in %s: %s", role, clock(seconds), in_words(seconds), reason)

    def warned(self, message: str) -> None:
        """Log a warning."""
        _LOGGER.warning("%s", message)


@contextlib.contextmanager
def _watched(observer: Observer | Callback | None, progress: bool, settings: Settings) -> Iterator[Observer]:
    """Yield the observer of a run: the user's, or else the log, and with ``progress`` the display."""
    if observer is not None and not (isinstance(observer, Observer) or _is_function(observer)):
        raise ConfigurationError(
            f"expected an Observer or a function of an event and its values as observer, got {observer!r:.60}; give "
            "an object of a class that inherits from instructzero.Observer"
        )
    given = [] if observer is None else [observer if isinstance(observer, Observer) else Relay(observer)]
    if not progress:
        yield passed_to(given or [Notices()])
        return
    with program_progress(role_prices(settings)) as display:
        yield passed_to([display, EarlierResult(), *given])


def run_settings(
    settings: Settings, directory: Path, observer: Observer, *, overwrite: bool = False, begun: float | None = None
) -> Result:
    """Run, or continue, the run of ``settings`` in ``directory``; begin it anew with ``overwrite``.

    ``begun`` is the time, by `time.monotonic`, at which the limit of time begins to run; by default, it is now.
    """
    given = [name for name in ("writer", "blackbox") if getattr(settings, name).startswith("object:")]
    if given:
        raise ConfigurationError(
            f"the {' and the '.join(given)} of this run {'was a' if len(given) == 1 else 'were'} Python "
            f"object{'s' if len(given) > 1 else ''}; continue it with instructzero.optimize and the same arguments"
        )
    if settings.task == NAME_OF_ROWS and settings.data_dir is None:
        raise ConfigurationError(
            "the examples of this run were rows in Python; continue it with instructzero.optimize and the same "
            "arguments"
        )
    return _reported(resolve_paths(settings), directory, observer, overwrite=overwrite, begun=begun)


def _reported(
    settings: Settings,
    directory: Path,
    observer: Observer,
    *,
    task: Task | None = None,
    writer_model: SoftPromptModel | None = None,
    blackbox: BlackBox | None = None,
    asked_writer: BlackBox | None = None,
    overwrite: bool = False,
    begun: float | None = None,
) -> Result:
    """Run to the end and write the report; if the report fails, warn and return the result all the same."""
    result = execute(
        settings,
        directory,
        observer,
        task=task,
        writer_model=writer_model,
        blackbox=blackbox,
        asked_writer=asked_writer,
        overwrite=overwrite,
        begun=begun,
    )
    try:
        write_report(directory, task=task or build_task(settings))
    except Exception as error:
        warnings.warn(
            f"the run is complete, but its report could not be written ({type(error).__name__}: {error}); "
            f"try 'instructzero report {directory}'",
            RuntimeWarning,
            stacklevel=3,
        )
    return result


def resume(
    directory: str | Path,
    *,
    trust: bool = False,
    progress: bool = False,
    observer: Observer | Callback | None = None,
) -> Result:
    """Continue the run in ``directory`` to its end, with the settings that it was started with.

    Parameters
    ----------
    directory
        The directory of the run.
    trust
        Continue also a run that was begun on another machine, or whose settings have changed since: run the code that
        they name, and send data and keys to the hosts that they name.
    progress, observer
        Those of `optimize`.

    Returns
    -------
    Result
        The result of the run.

    Raises
    ------
    instructzero.UserError
        As `optimize`, and for a run that was not begun on this machine, unless it is trusted.
    """
    path = Path(directory)
    settings = RunDirectory.read_settings(path)
    if not trust:
        check_begun_here(RunDirectory(path), settings, "call resume with trust=True")
    with _watched(observer, progress, settings) as watching:
        return run_settings(settings, path, watching)


def _is_function(value: object) -> bool:
    return callable(value) and not isinstance(value, type)


def _place(directory: str | Path | None, out: str | Path | None) -> Path | None:
    """Return the directory that one of the two names; None if neither does."""
    if directory is not None and out is not None:
        raise ConfigurationError(
            f"expected directory or out, which mean the same, got {str(directory)!r} and {str(out)!r}; give one"
        )
    given = out if directory is None else directory
    return None if given is None else Path(given)


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


def _takes_soft_prompts(writer: object) -> TypeGuard[SoftPromptModel]:
    return hasattr(writer, "generate")


def _writers(
    writer: str | SoftPromptModel | BlackBox | Callable[[str], str] | None,
) -> tuple[SoftPromptModel | None, BlackBox | None]:
    """Return a writer that is an object: as a model that takes soft prompts, or as one that is asked in words."""
    if writer is None or isinstance(writer, str):
        return None, None
    if _takes_soft_prompts(writer):
        return writer, None
    return None, as_blackbox(writer)


def _as_call(settings: Mapping[str, str]) -> str:
    """Return the call of `optimize` with further settings, for a message."""
    return f"instructzero.optimize(..., {', '.join(f'{name}={value!r}' for name, value in settings.items())})"


def _names(task: object, writer: object, blackbox: object) -> dict[str, str]:
    """Return the names in the settings of a task and models that may be objects; nothing for a writer of None."""
    name = str(task) if isinstance(task, str | Path) else task.name if isinstance(task, Task) else NAME_OF_ROWS
    kind = OBJECT if _takes_soft_prompts(writer) else ASKED_OBJECT
    named = writer if isinstance(writer, str) else f"{kind}{type(writer).__name__}"
    return {
        "task": name,
        **({} if writer is None else {"writer": named}),
        "blackbox": blackbox if isinstance(blackbox, str) else f"object:{type(blackbox).__name__}",
    }


def _task(task: Task | Rows, settings: Settings) -> Task:
    if isinstance(task, Task):
        return task
    data = load_rows(
        task,
        name=NAME_OF_ROWS,
        test_source=settings.test_data,
        input_column=settings.input_column,
        output_column=settings.output_column,
        answer_separator=settings.answer_separator,
        metric=settings.metric,
        shown=columns_shown(settings),
    )
    return split(data, settings)
