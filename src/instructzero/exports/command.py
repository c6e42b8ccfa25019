"""Exports of a finished run: the formats by name, and where they go."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from instructzero.errors import ConfigurationError, RunDirectoryError
from instructzero.exports import python, shell, tables
from instructzero.exports.asking import Asking
from instructzero.finished_run import FinishedRun
from instructzero.terminal import encode, write

STDOUT = "-"
"""The name of an export that goes to the terminal, or into a pipe."""

FORMATS: dict[str, Callable[[FinishedRun], str]] = {
    "txt": tables.text,
    "json": tables.whole_result,
    "csv": tables.trials,
    "scores": tables.scores,
    "python": lambda run: python.script(Asking.of(run)),
    "curl": lambda run: shell.curl(Asking.of(run)),
    "dspy": lambda run: python.dspy_program(Asking.of(run)),
}

FIGURES = "figures"
"""The format that makes a folder of files."""

_OWN = ("settings.yaml", "run-id", "journal.jsonl", "calls.sqlite", "result.json", "lock")


def export_run(directory: Path, form: str, out: str = STDOUT) -> None:
    """Write the finished run in ``directory`` in the format ``form`` to the file ``out``, or print it.

    Figures go into the folder ``out``, by default ``figures`` in the run's own, and may be of a run that goes on.
    Raises `ConfigurationError` for an unknown format, a format that this run does not have, and a file of the run's own
    as the target; `RunDirectoryError` for a run that is not finished and a file that cannot be written.
    """
    if form == FIGURES:
        _draw(directory, directory / FIGURES if out == STDOUT else Path(out))
        return
    if form not in FORMATS:
        raise ConfigurationError(
            f"expected one of the formats {', '.join([*FORMATS, FIGURES])}, got {form!r}; choose one with --format"
        )
    content = FORMATS[form](FinishedRun.read(directory))
    if out == STDOUT:
        write(content)
        return
    path = Path(out)
    if path.resolve() in {(directory / name).resolve() for name in _OWN}:
        raise ConfigurationError(
            f"expected a file of its own for the export, got {path}, which the run needs; name another"
        )
    try:
        path.write_bytes(encode(content))
    except OSError as error:
        raise RunDirectoryError(f"cannot write to {path}: {error.strerror}; choose another file") from None


def _draw(directory: Path, out: Path) -> None:
    """The figures' paths go where others may read them, why one is missing elsewhere."""
    from instructzero.exports.figures import export_figures  # loads what the report needs

    paths, notes = export_figures(directory, out)
    for path in paths:
        print(path)
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
