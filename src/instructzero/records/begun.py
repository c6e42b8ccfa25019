"""The runs that were begun on this machine, in a file of the user's outside all run directories.

A run directory may come from somebody else, and its settings name code and hosts. So a run is known by its unique name
together with its settings, as a digest in a file that nobody else can write: changed settings are unknown again.
Numbers and switches do not count, because they name nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

from instructzero.config import Settings
from instructzero.files import open_regular, sharing
from instructzero.records.directory import RunDirectory

_VARIABLE = "XDG_STATE_HOME"
_WRITABLE_BY_OTHERS = 0o022
_this_process: set[str] = set()


def marks_file() -> Path:
    """Return the file with the marks: ``instructzero/begun`` in ``XDG_STATE_HOME``, by default ``~/.local/state``.

    Raises `RuntimeError` if there is no home directory.
    """
    named = os.environ.get(_VARIABLE, "")
    folder = Path(named) if os.path.isabs(named) else Path.home() / ".local" / "state"
    return folder / "instructzero" / "begun"


def is_begun_here(run: RunDirectory, settings: Settings) -> bool:
    """Return True if the run was begun, or trusted, by this user on this machine with these settings."""
    name = run.read_name()
    return bool(name) and _mark(name, settings) in _this_process | _marks()


def mark_begun(run: RunDirectory, settings: Settings) -> None:
    """Remember that the run was begun here with these settings.

    Where no file can be written, as in some containers, only this process remembers it. The run goes on all the same.
    """
    mark = _mark(run.identity, settings)
    _this_process.add(mark)
    with suppress(OSError, RuntimeError):
        path = marks_file()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with sharing(False), open(path, "a+b", buffering=0, opener=open_regular) as file:
            if _is_private(file.fileno()) and mark not in _marks():
                file.write(f"{mark}\n".encode())  # one call, so that lines of several processes do not mix


def refused_marks() -> str:
    """Return why the marks in the file do not count, as a sentence; "" if they do, or if there are none.

    A file that others could have written is never believed, so that runs stay unknown until somebody repairs it.
    """
    try:
        path = marks_file()
        with open(path, "rb", opener=open_regular) as file:
            private = _is_private(file.fileno())
    except (FileNotFoundError, RuntimeError):
        return ""
    except OSError as error:
        return f"The marks of runs begun here, {path}, are not read: {error.strerror}."
    return (
        ""
        if private
        else (
            f"The marks of runs begun here, {path}, are not read: others may write the file; make it yours alone "
            "(chmod 600) if nobody has."
        )
    )


def _marks() -> frozenset[str]:
    """Return the marks; none if the file cannot be read, or if others could have written it."""
    try:
        with open(marks_file(), encoding="ascii", errors="replace", opener=open_regular) as file:
            return frozenset(file.read().split() if _is_private(file.fileno()) else ())
    except (OSError, RuntimeError):
        return frozenset()


def _is_private(descriptor: int) -> bool:
    """Return True if an open file belongs to this user, and nobody else may write it."""
    status = os.fstat(descriptor)
    return status.st_uid == os.geteuid() and not status.st_mode & _WRITABLE_BY_OTHERS


def _mark(name: str, settings: Settings) -> str:
    values = settings.model_dump(mode="json", exclude_defaults=True)
    texts = {key: value for key, value in values.items() if not isinstance(value, int | float)}
    return hashlib.sha256(json.dumps([name, texts], sort_keys=True).encode()).hexdigest()
