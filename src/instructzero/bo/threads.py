"""PyTorch's number of threads, when several threads of a program compute at once.

PyTorch keeps the number for each thread. A thread that uses PyTorch for the first time takes the number that any thread
has set last, and keeps it: begun while another thread is limited to one, it would be limited for good, and so the last
digits of its results would depend on the other thread.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from threading import Lock

import torch

_lock = Lock()
_limited: list[int] = []
"""The numbers of threads outside the current blocks of `one_thread`, in the order in which the blocks began."""


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Limit PyTorch to one thread: factorising a few hundred rows takes several times as long on two threads."""
    with _lock:
        threads = torch.get_num_threads()
        _limited.append(threads)
        torch.set_num_threads(1)
    try:
        yield
    finally:
        with _lock:
            _limited.remove(threads)
            torch.set_num_threads(threads)


def use_all_threads() -> None:
    """Give the calling thread PyTorch's number of threads, also while another thread is limited to one."""
    with _lock:
        threads = max([torch.get_num_threads(), *_limited])
        torch.set_num_threads(threads)
