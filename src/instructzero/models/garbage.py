"""Fewer passes of Python's garbage collector while many requests are in flight."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from threading import Lock

_NEW_OBJECTS = 100_000
"""The new objects after which the collector looks for cycles; Python's default is 700 or 2,000."""

_lock = Lock()
_users = 0
_before = (0, 0, 0)


@contextlib.contextmanager
def rare_collections() -> Iterator[None]:
    """Let the collector run rarely in the block, whatever thread it is in.

    A request in flight is a few dozen objects, which live until its answer comes. A thousand of them make the collector
    walk through all objects of the process again and again, for a fifth of the processor time, and find nothing:
    there are no cycles among them.

    >>> with rare_collections():
    ...     gc.get_threshold()[0]
    100000
    """
    global _users, _before
    with _lock:
        _users += 1
        if _users == 1:
            _before = gc.get_threshold()
            if 0 < _before[0] < _NEW_OBJECTS:
                gc.set_threshold(_NEW_OBJECTS, *_before[1:])
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users:
                gc.set_threshold(*_before)
