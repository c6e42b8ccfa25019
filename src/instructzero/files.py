"""Atomic writes and file locks: the operations on files that more than one module needs.

The locks are POSIX locks, which Linux and macOS have. Raises `ConfigurationError` on import where there are none.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from instructzero.errors import ConfigurationError

try:
    import fcntl
except ImportError:
    raise ConfigurationError(
        "expected Linux or macOS, whose file locks keep two processes out of one run directory, got a system without "
        "them; on Windows, use the Windows Subsystem for Linux (WSL)"
    ) from None

_POLL_S = 0.1


class FileInUse(Exception):
    """Another process holds the lock of the file."""


def write_atomically(path: Path, content: str) -> None:
    """Replace the file ``path`` by ``content``: after a crash at any moment it holds all of the old or of the new.

    The content is on the disk when this returns. Half of a surrogate pair, which UTF-8 cannot encode, is written as
    "?". Raises `OSError`.
    """
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8", errors="replace") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


@contextmanager
def exclusive_lock(path: Path, *, patience_s: float = 0.0) -> Iterator[None]:
    """Hold the lock on the file ``path``, which is created if needed, until the block ends.

    The kernel frees the lock when the process ends, however it ends.

    Parameters
    ----------
    path
        The lock file. Its content is not used.
    patience_s
        Seconds to wait while another process holds the lock.

    Raises
    ------
    FileInUse
        If another process still holds the lock after ``patience_s`` seconds.
    OSError
        If the file cannot be opened.
    """
    deadline = time.monotonic() + patience_s
    with path.open("a") as file:
        while not _try_lock(file.fileno()):
            if time.monotonic() >= deadline:
                raise FileInUse(str(path))
            time.sleep(_POLL_S)
        yield


def lock_byte(descriptor: int, offset: int) -> bool:
    """Lock one byte of an open file for this process, and return True unless another process holds it. Never waits."""
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, offset)
    except (BlockingIOError, PermissionError):  # EAGAIN or EACCES, depending on the system
        return False
    return True


def unlock_byte(descriptor: int, offset: int) -> None:
    """Release a byte that `lock_byte` locked."""
    fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, offset)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
