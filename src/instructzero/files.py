"""Files of run directories: opened without following links, replaced atomically, and locked.

A run directory may come from somebody else. So its files are regular files, and a link, a pipe or a device in the place
of one is refused. New files and folders are the owner's alone, except in `sharing`; an existing one keeps its mode.

The locks are POSIX locks, which Linux and macOS have. Raises `ConfigurationError` on import where there are none.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
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
_shared: ContextVar[bool] = ContextVar("shared", default=False)


class FileInUse(Exception):
    """Another process holds the lock of the file."""


@contextmanager
def sharing(shared: bool) -> Iterator[None]:
    """Let the umask decide who may read what the block creates if ``shared``; otherwise only the owner may.

    >>> with sharing(True):
    ...     oct(new_file_mode())
    '0o666'
    """
    before = _shared.get()
    _shared.set(shared)
    try:
        yield
    finally:
        _shared.set(before)


def new_file_mode() -> int:
    """Return the mode of a new file, from which the system takes the bits of the umask."""
    return 0o666 if _shared.get() else 0o600


def make_folder(path: Path) -> None:
    """Create a folder that holds data, unless there is one; those above it have the mode that the umask gives."""
    path.mkdir(mode=0o777 if _shared.get() else 0o700, parents=True, exist_ok=True)


def create_private(path: Path) -> None:
    """Create an empty file of the mode `new_file_mode` for a library that opens it by its name, unless there is one.

    The file is never open here under its own name: closing it would release the locks that other threads have on it.
    """
    if path.exists():
        return
    with suppress(OSError):  # whoever opens the file explains what is wrong, and not every file system has hard links
        temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
        os.close(open_regular(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        try:
            os.link(temporary, path)
        finally:
            temporary.unlink()


def open_regular(path: str | Path, flags: int) -> int:
    """Open the regular file ``path`` and return its descriptor; neither follows a link nor waits for a pipe.

    It is the ``opener`` of the function `open`.

    Parameters
    ----------
    path
        The file. The folders of its path may be links.
    flags
        Those of `os.open`; with ``os.O_CREAT`` the file is created if there is none.

    Raises
    ------
    OSError
        If the file cannot be opened, or there is something else than a regular file.
    """
    check_regular(path)
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, new_file_mode())
    try:
        _check_regular(path, os.fstat(descriptor))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def check_regular(path: str | Path) -> None:
    """Raise `OSError` if there is something else than a regular file at ``path``, links included."""
    with suppress(FileNotFoundError):
        _check_regular(path, os.lstat(path))


def open_private(path: str | Path, flags: int) -> int:
    """Open a file of any kind, as the ``opener`` of the function `open`; a new one has the mode `new_file_mode`."""
    return os.open(path, flags, new_file_mode())


def _check_regular(path: str | Path, status: os.stat_result) -> None:
    """Raise `OSError` for anything else than a regular file, with a clause that says what it is."""
    if stat.S_ISREG(status.st_mode):
        return
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder, where a file is expected", str(path))
    came = "symbolic link" if stat.S_ISLNK(status.st_mode) else "pipe or device"
    raise OSError(errno.ELOOP, f"it is a {came}, where a regular file is expected", str(path))


def read_bytes(path: Path) -> bytes:
    """Return the content of a regular file; raises `OSError` as `open_regular` does."""
    with open(path, "rb", opener=open_regular) as file:
        return file.read()


def read_text(path: Path) -> str:
    """Return the text of a regular file in UTF-8; raises `OSError` as `open_regular` does, and `UnicodeDecodeError`."""
    return read_bytes(path).decode("utf-8")


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replace the file ``path`` by ``content``: after a crash at any moment it holds all of the old or of the new.

    The content is on the disk when this returns. Half of a surrogate pair, which UTF-8 cannot encode, is written as
    "?". A link in the place of the file is replaced, and what it refers to stays as it is. Raises `OSError`.
    """
    data = content.encode("utf-8", errors="replace") if isinstance(content, str) else content
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")  # a name that nobody can have put a link at
    try:
        with open(temporary, "xb", opener=open_regular) as file:
            _keep_mode(path, file.fileno())
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _keep_mode(path: Path, descriptor: int) -> None:
    """Give an open file the mode of the regular file ``path`` that it will replace, if there is one."""
    with suppress(OSError):  # some file systems have no modes
        status = path.lstat()
        if stat.S_ISREG(status.st_mode):
            os.fchmod(descriptor, stat.S_IMODE(status.st_mode))


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
    with open(path, "a", opener=open_regular) as file:
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
