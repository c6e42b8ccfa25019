"""The question before a run is resumed that was not begun on this machine."""

from __future__ import annotations

import sys

import typer

from instructzero.checks import check_begun_here
from instructzero.config import Settings
from instructzero.errors import RunDirectoryError
from instructzero.records.begun import is_begun_here, refused_marks
from instructzero.records.directory import RunDirectory
from instructzero.roles import Named
from instructzero.terminal import printable

_REMEDY = "add --trust"


def confirm_origin(run: RunDirectory, settings: Settings) -> None:
    """Ask whether to resume a run that was not begun on this machine with these settings.

    Raises
    ------
    RunDirectoryError
        If the answer is no, or there is no terminal to ask in.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        check_begun_here(run, settings, _REMEDY)
        return
    if is_begun_here(run, settings):
        return
    print(f"{printable(str(run.path))} was not begun on this machine, or its settings have changed.", file=sys.stderr)
    for line in Named.by(settings).lines():
        print(f"  It would {line}", file=sys.stderr)
    if refused := refused_marks():
        print(printable(refused), file=sys.stderr)
    if not _agrees():
        raise RunDirectoryError(f"{run.path} is not resumed; read its settings.yaml, and {_REMEDY} if you trust it")


def _agrees() -> bool:
    """Ask, and return False for Ctrl-C and Ctrl-D as for "no"."""
    try:
        return typer.confirm("Resume it?", default=False, err=True)
    except typer.Abort:
        print(file=sys.stderr)
        return False
