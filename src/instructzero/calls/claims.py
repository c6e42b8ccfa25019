"""Who is asking what just now, so that processes that share a store do not pay for the same question at once.

A claim is a lock on one byte of a file beside the store, at the place that the question's key names. The kernel keeps
it and frees it when its process ends, in whatever way: nothing is written, no clock is read and nothing is ever left
to clean up. Claims save money, and nothing else depends on them.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class Claims:
    """Claims of this process on keys in hexadecimal digits; without a path, between users of this object only.

    Two of them on one path in one process do not see each other's claims, and closing one gives up the other's.

    >>> claims = Claims(None)
    >>> claims.take("5eed"), claims.take("5eed")
    (True, False)
    >>> claims.give_back("5eed"); claims.take("5eed")
    True
    """

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        self._held: set[int] = set()

    def take(self, key: str) -> bool:
        """Claim ``key`` if nobody holds it; whether that went well. Never waits."""
        place = _place(key)
        if place in self._held:
            return False
        if self._file is not None:
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
            except (BlockingIOError, PermissionError):  # as the system has it: EAGAIN or EACCES
                return False
        self._held.add(place)
        return True

    def give_back(self, key: str) -> None:
        """Let others have ``key``; nothing happens when it is not held."""
        place = _place(key)
        if place in self._held:
            self._held.remove(place)
            if self._file is not None:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, place)

    def close(self) -> None:
        """Give everything back."""
        self._held.clear()
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _place(key: str) -> int:
    """The first 60 bits of the key: below what a file offset can hold, and different for different questions."""
    return int(key[:15], 16)
