"""Claims on questions, so that runs that share a call store do not pay for the same question at the same time.

A claim is a lock on one byte of a file beside the store, at the offset that the question's key gives. The kernel holds
it and releases it when its process ends, however it ends: nothing is written, no clock is read, and nothing is left to
clean up. Claims only save money; correctness does not depend on them.

The kernel's locks keep out other processes, but not other threads of this one, and the first close of any descriptor of
the file releases all of them. So all users of a file in this process, under whatever name, share one open file, and its
table of the offsets that they hold. A forked process begins with an empty table, because it inherits no lock.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from instructzero.files import lock_byte, new_file_mode, unlock_byte

_Place = tuple[int, int]
"""The device and the inode of a file."""


@dataclass(eq=False)
class _File:
    """A file that this process has open, its users, and the offsets that they hold; in memory if ``place`` is None.

    The locks are on the first descriptor. There are more if another process has replaced the file meanwhile.
    """

    place: _Place | None
    descriptors: list[int] = field(default_factory=list)
    users: int = 0
    held: dict[int, Claims] = field(default_factory=dict)


_lock = Lock()
_files: dict[_Place, _File] = {}


class Claims:
    """Claims of one user on keys in hexadecimal digits; without a path, only within this object.

    >>> claims = Claims(None)
    >>> claims.take("5eed"), claims.take("5eed")
    (True, False)
    >>> claims.give_back("5eed"); claims.take("5eed")
    True
    """

    def __init__(self, path: Path | None) -> None:
        with _lock:
            self._file = _File(None) if path is None else _opened(os.path.realpath(path))
            self._file.users += 1

    def take(self, key: str) -> bool:
        """Claim ``key`` and return True, or return False if it is held already. Never waits."""
        offset, file = _offset(key), self._file
        with _lock:
            if offset in file.held:
                return False
            if file.descriptors and not lock_byte(file.descriptors[0], offset):
                return False
            file.held[offset] = self
        return True

    def give_back(self, key: str) -> None:
        """Release ``key``; does nothing when it is not held by this user."""
        with _lock:
            self._release(_offset(key))

    def close(self) -> None:
        """Release all claims of this user."""
        with _lock:
            for offset in list(self._file.held):
                self._release(offset)
            self._file.users -= 1
            if not self._file.users:
                _close(self._file)
            self._file = _File(None, users=1)

    def _release(self, offset: int) -> None:
        file = self._file
        if file.held.get(offset) is self:
            del file.held[offset]
            if file.descriptors:
                unlock_byte(file.descriptors[0], offset)


def _opened(path: str) -> _File:
    """Return the file ``path``, opened unless this process has it open: a second descriptor could not be closed."""
    try:
        file = _files.get(_place_of(os.stat(path)))
    except FileNotFoundError:
        file = None
    if file is None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, new_file_mode())
        place = _place_of(os.fstat(descriptor))
        file = _files.setdefault(place, _File(place))
        file.descriptors.append(descriptor)
    return file


def _place_of(status: os.stat_result) -> _Place:
    return status.st_dev, status.st_ino


def _close(file: _File) -> None:
    if file.place is not None:
        del _files[file.place]
    for descriptor in file.descriptors:
        os.close(descriptor)


def _begin_in_fork() -> None:
    """Forget the claims of the process that was forked: they are its own."""
    for file in _files.values():
        file.held.clear()
    _lock.release()


os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_begin_in_fork)


def _offset(key: str) -> int:
    """Return the first 60 bits of the key: below the largest file offset, and different for different questions."""
    return int(key[:15], 16)
