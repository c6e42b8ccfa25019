"""Claims on questions, so that processes that share a call store do not pay for the same question at the same time.

A claim is a lock on one byte of a file beside the store, at the offset that the question's key gives. The kernel holds
it and releases it when its process ends, however it ends: nothing is written, no clock is read, and nothing is left to
clean up. Claims only save money; correctness does not depend on them.

The kernel's locks belong to the process, and closing the file once releases them all. So all users of a file in one
process share its open file, and a set of the offsets that are claimed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from instructzero.files import lock_byte, unlock_byte


@dataclass
class _File:
    """A file that this process has open, the number of its users, and the offsets that they hold."""

    descriptor: int | None
    users: int = 0
    held: set[int] = field(default_factory=set)


_lock = Lock()
_files: dict[str, _File] = {}


class Claims:
    """Claims of one user on keys in hexadecimal digits; without a path, only within this object.

    >>> claims = Claims(None)
    >>> claims.take("5eed"), claims.take("5eed")
    (True, False)
    >>> claims.give_back("5eed"); claims.take("5eed")
    True
    """

    def __init__(self, path: Path | None) -> None:
        self._name = None if path is None else os.path.realpath(path)
        self._mine: set[int] = set()
        with _lock:
            self._file = _File(None) if self._name is None else _opened(self._name)
            self._file.users += 1

    def take(self, key: str) -> bool:
        """Claim ``key`` and return True, or return False if it is held already. Never waits."""
        offset, file = _offset(key), self._file
        with _lock:
            if offset in file.held:
                return False
            if file.descriptor is not None and not lock_byte(file.descriptor, offset):
                return False
            file.held.add(offset)
            self._mine.add(offset)
        return True

    def give_back(self, key: str) -> None:
        """Release ``key``; does nothing when it is not held by this user."""
        with _lock:
            self._release(_offset(key))

    def close(self) -> None:
        """Release all claims of this user."""
        with _lock:
            for offset in list(self._mine):
                self._release(offset)
            self._file.users -= 1
            if not self._file.users and self._file.descriptor is not None and self._name is not None:
                del _files[self._name]
                os.close(self._file.descriptor)
            self._file = _File(None)

    def _release(self, offset: int) -> None:
        if offset in self._mine:
            self._mine.remove(offset)
            self._file.held.remove(offset)
            if self._file.descriptor is not None:
                unlock_byte(self._file.descriptor, offset)


def _opened(name: str) -> _File:
    if name not in _files:
        _files[name] = _File(os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666))
    return _files[name]


def _offset(key: str) -> int:
    """Return the first 60 bits of the key: below the largest file offset, and different for different questions."""
    return int(key[:15], 16)
