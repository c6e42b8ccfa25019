"""The folder of a cell: created, held by one process at a time, and its files written."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from instructzero.bench.plan import CellPlan
from instructzero.bench.results import TIMING
from instructzero.errors import RunDirectoryError
from instructzero.files import FileInUse, exclusive_lock, make_folder, read_text, write_atomically

PATIENCE_S = 30.0
"""Seconds to wait for a process that holds the cell: a stopped process takes a few to store its last answers."""


def _make_folders(plan: CellPlan) -> None:
    folders = [*reversed(plan.folder.parents[:2]), plan.folder]  # first those of the models and the method
    folders += [plan.settings.store.parent] if plan.settings.store else []
    try:
        for folder in folders:
            make_folder(folder)
    except OSError as error:
        raise RunDirectoryError(f"cannot write to {plan.folder}: {error.strerror}; choose another --out") from None


@contextmanager
def held(plan: CellPlan) -> Iterator[None]:
    """Create and hold the cell until the block ends; wait up to `PATIENCE_S` for another process that holds it."""
    _make_folders(plan)
    with ExitStack() as stack:
        try:
            stack.enter_context(exclusive_lock(plan.folder / "cell.lock", patience_s=PATIENCE_S))
        except FileInUse:
            raise RunDirectoryError(
                f"{plan.folder} is in use by another process; wait for it or choose another --out"
            ) from None
        yield


@contextmanager
def timed(folder: Path) -> Iterator[None]:
    """Add the seconds of the block to those in ``timing.json``, even if the block is interrupted."""
    path = folder / TIMING
    before = _seconds_in(path) if path.exists() else 0.0
    started = time.monotonic()
    try:
        yield
    finally:
        write_record(path, {"seconds": round(before + time.monotonic() - started, 3)})


def _seconds_in(path: Path) -> float:
    try:
        record = json.loads(read_text(path))
        if record.keys() == {"seconds"}:
            return float(record["seconds"])
    except (OSError, ValueError, TypeError, AttributeError):
        pass
    raise RunDirectoryError(
        f"expected the seconds of a cell in {path}, got another file; move it away or choose another --out"
    )


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write a file of the cell as JSON; raises `RunDirectoryError` if that fails."""
    try:
        write_atomically(path, json.dumps(record, allow_nan=False) + "\n")
    except OSError as error:
        raise RunDirectoryError(
            f"cannot write {path}: {error.strerror}; make room or choose another --out, then run the bench again"
        ) from None
