"""Claims on questions, so that processes that share a call store do not pay for the same question at the same time.

A claim is a lock on one byte of a file beside the store, at the offset that the question's key gives. The kernel holds
it and releases it when its process ends, however it ends: nothing is written, no clock is read, and nothing is left to
clean up. Claims only save money; correctness does not depend on them.
"""

from __future__ import annotations

import os
from pathlib import Path

from instructzero.files import lock_byte, unlock_byte


class Claims:
    """Claims of this process on keys in hexadecimal digits; without a path, between users of this object only.

    Two objects on one path in one process do not see each other's claims, and closing one releases the other's.

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
        """Claim ``key`` and return True, or return False if it is held already. Never waits."""
        offset = _offset(key)
        if offset in self._held:
            return False
        if self._file is not None and not lock_byte(self._file, offset):
            return False
        self._held.add(offset)
        return True

    def give_back(self, key: str) -> None:
        """Release ``key``; does nothing when it is not held."""
        offset = _offset(key)
        if offset in self._held:
            self._held.remove(offset)
            if self._file is not None:
                unlock_byte(self._file, offset)

    def close(self) -> None:
        """Release all claims."""
        self._held.clear()
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _offset(key: str) -> int:
    """Return the first 60 bits of the key: below the largest file offset, and different for different questions."""
    return int(key[:15], 16)
