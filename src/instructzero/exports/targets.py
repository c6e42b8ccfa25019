"""The files that an export writes: any that the user names, but none that belongs to a run or to a call store."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from instructzero.calls.sqlite_file import is_database
from instructzero.config.names import check_name
from instructzero.errors import ConfigurationError, RunDirectoryError
from instructzero.files import open_private
from instructzero.records.directory import RunDirectory
from instructzero.records.journal import begins_run

_OF_A_STORE = ("-wal", "-shm", "-journal", "-claims")
_MOST_LINKS = 40  # as many as Linux follows; a longer way is a circle, which cannot be opened


@contextmanager
def target_file(path: Path) -> Iterator[BinaryIO]:
    """Open the file ``path`` for an export, replacing its content.

    Raises
    ------
    ConfigurationError
        As `check_target` does.
    RunDirectoryError
        If the file cannot be written.
    """
    check_target(path)
    try:
        with open(path, "wb", opener=open_private) as file:
            yield file
    except OSError as error:
        raise RunDirectoryError(f"cannot write to {path}: {error.strerror}; choose another file") from None


def check_target(path: Path, *, replaced: bool = False) -> None:
    """Raise `ConfigurationError` for a file that no export may replace, by whatever name: a link counts as its target.

    These are the files of all runs, whether they exist yet or not, all journals, all SQLite databases, and the files
    beside these. A file with several names is refused too, because its other names cannot be known.

    Parameters
    ----------
    path
        The file to write.
    replaced
        A link in the place of the file is replaced and not followed, so only the folders of its path count as links.
    """
    check_name(path)
    check_links(path.parent if replaced else path)
    real = Path(os.path.realpath(path))
    if owner := _owner(real):
        raise ConfigurationError(
            f"expected a separate file for the export, got {path}, which {owner}; choose another file"
        )


def check_links(path: Path) -> None:
    """Raise `ConfigurationError` if a link in a run directory leads to ``path``, however the path is written.

    Somebody else may have put it there. Links outside of run directories are the user's own.
    """
    for place in _links_to(path):
        if any(_is_run(folder) for folder in place.parents):
            raise ConfigurationError(
                f"expected a place for the export that is no link, got the link {place}, a link in a run directory, "
                "which somebody else may have put there; choose another place"
            )


def _links_to(path: Path) -> Iterator[Path]:
    """Yield all links that the system follows on the way to ``path``, each under its real folder."""
    place, parts, found = Path(os.path.realpath(".")), list(reversed(path.parts)), 0
    while parts:
        part = parts.pop()
        place = place.parent if part == os.pardir else place / part  # an absolute part begins at the root
        if os.path.islink(place) and found < _MOST_LINKS:
            yield place
            found += 1
            parts += reversed(Path(os.readlink(place)).parts)
            place = place.parent


def _is_run(folder: Path) -> bool:
    run = RunDirectory(folder)
    return os.path.lexists(run.settings) or os.path.lexists(run.journal)


def _owner(path: Path) -> str | None:
    """Return what the file at ``path``, which is no link, belongs to, as the end of a sentence."""
    if RunDirectory(path.parent).owns(path.name):
        return f"belongs to the run in {path.parent}"
    if any(is_database(base) for base in _stores_of(path)):
        return "belongs to a call store or another database"
    try:
        status = path.stat()
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    if begins_run(path):
        return "is the journal of a run"
    return "has other names, under which it would change as well" if status.st_nlink > 1 else None


def _stores_of(path: Path) -> Iterator[Path]:
    """Yield the path, and the stores to which it belongs if it is a file beside them."""
    yield path
    for ending in _OF_A_STORE:
        if path.name.casefold().endswith(ending):
            yield path.with_name(path.name[: -len(ending)])
