"""The command ``instructzero export``: the formats by name, and their output."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from instructzero.errors import ConfigurationError
from instructzero.exports import python, shell, tables
from instructzero.exports.asking import Asking, task_of
from instructzero.exports.dspy import dspy_program
from instructzero.exports.inspect import inspect_program
from instructzero.exports.langchain import langchain_program
from instructzero.exports.messages import messages
from instructzero.exports.promptfoo import promptfoo_config
from instructzero.exports.targets import target_file
from instructzero.finished_run import FinishedRun
from instructzero.terminal import encode, write

STDOUT = "-"
"""The output name for standard output."""


def promptfoo(run: FinishedRun) -> str:
    """Return the configuration of promptfoo with the run's test examples, if they can be loaded."""
    task = task_of(run, "test")
    asking, metric = Asking.of(run, task), str(run.header["metric"])
    return promptfoo_config(asking, task.test, metric, task.metric) if task else promptfoo_config(asking, (), metric)


def inspect(run: FinishedRun) -> str:
    """Return the Inspect task with the run's test examples, if they can be loaded."""
    task = task_of(run, "test")
    return inspect_program(Asking.of(run, task), task, str(run.header["metric"]), run.settings)


FORMATS: dict[str, Callable[[FinishedRun], str]] = {
    "txt": tables.text,
    "json": tables.whole_result,
    "csv": tables.trials,
    "scores": tables.scores,
    "python": lambda run: python.script(Asking.of(run)),
    "curl": lambda run: shell.curl(Asking.of(run)),
    "dspy": lambda run: dspy_program(Asking.of(run)),
    "promptfoo": promptfoo,
    "inspect": inspect,
    "langchain": lambda run: langchain_program(Asking.of(run)),
    "messages": lambda run: messages(Asking.of(run)),
}

RAW: dict[str, Callable[[FinishedRun], str]] = {
    "csv": lambda run: tables.trials(run, raw=True),
    "scores": lambda run: tables.scores(run, raw=True),
}
"""The formats that change texts which a spreadsheet would compute, without this change."""

FIGURES = "figures"
"""The format that writes several files into a folder."""


def export_run(directory: Path, form: str, out: str = STDOUT, *, raw: bool = False) -> None:
    """Export the finished run in ``directory``.

    Parameters
    ----------
    directory
        The run directory. Figures can also be drawn of a run that is not finished.
    form
        A key of `FORMATS`, or `FIGURES`.
    out
        The output file, or `STDOUT`. For figures a folder, by default ``figures`` in the run directory.
    raw
        Keep texts that a spreadsheet would compute as formulas; for the formats in `RAW`.

    Raises
    ------
    ConfigurationError
        If the format is unknown or not available for this run, or ``out`` is a file of a run or of a
        call store.
    RunDirectoryError
        If the run is not finished, or the file cannot be written.
    """
    if raw and form not in RAW:
        raise ConfigurationError(f"expected --raw with one of the formats {', '.join(RAW)}, got {form}; leave it out")
    if form == FIGURES:
        _draw(directory, directory / FIGURES if out == STDOUT else Path(out))
        return
    if form not in FORMATS:
        raise ConfigurationError(
            f"expected one of the formats {', '.join([*FORMATS, FIGURES])}, got {form!r}; choose one with --format"
        )
    content = (RAW if raw else FORMATS)[form](FinishedRun.read(directory))
    if out == STDOUT:
        write(content)
        return
    with target_file(Path(out)) as file:
        file.write(encode(content))


def _draw(directory: Path, out: Path) -> None:
    """Print the paths of the figures, and on standard error the reasons for missing ones."""
    from instructzero.exports.figures import export_figures  # loads what the report needs

    paths, notes = export_figures(directory, out)
    for path in paths:
        print(path)
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
