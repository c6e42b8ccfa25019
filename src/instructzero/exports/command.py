"""Exports of a finished run: the formats by name, and where they go."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from instructzero.errors import ConfigurationError, RunDirectoryError
from instructzero.exports import python, shell, tables
from instructzero.exports.asking import Asking
from instructzero.finished_run import FinishedRun

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

_OWN = ("settings.yaml", "run-id", "journal.jsonl", "calls.sqlite", "result.json", "lock")


def export_run(directory: Path, form: str, out: str = STDOUT) -> None:
    """Write the finished run in ``directory`` in the format ``form`` to the file ``out``, or print it.

    Raises `ConfigurationError` for an unknown format, a format that this run does not have, and a file of the run's own
    as the target; `RunDirectoryError` for a run that is not finished and a file that cannot be written.
    """
    if form not in FORMATS:
        raise ConfigurationError(
            f"expected one of the formats {', '.join(FORMATS)}, got {form!r}; choose one with --format"
        )
    content = FORMATS[form](FinishedRun.read(directory))
    if out == STDOUT:
        _print(content)
        return
    path = Path(out)
    if path.resolve() in {(directory / name).resolve() for name in _OWN}:
        raise ConfigurationError(
            f"expected a file of its own for the export, got {path}, which the run needs; name another"
        )
    try:
        path.write_bytes(_encode(content))
    except OSError as error:
        raise RunDirectoryError(f"cannot write to {path}: {error.strerror}; choose another file") from None


def _print(content: str) -> None:
    """As it is into a file or a pipe; for a person, without what could steer the terminal."""
    if sys.stdout.isatty():
        sys.stdout.write(
            "".join(each if each.isprintable() or each == "\n" else "\N{REPLACEMENT CHARACTER}" for each in content)
        )
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(_encode(content))
        sys.stdout.buffer.flush()


def _encode(content: str) -> bytes:
    """UTF-8; half of a surrogate pair, which it cannot hold, as its escape."""
    return content.encode("utf-8", "backslashreplace")
