"""A server on 127.0.0.1 in a thread of its own, for the duration of a ``with`` block."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from typing import Self


class Loopback(ABC):
    """The base of test servers; a context manager.

    A subclass implements ``_serve``, which calls ``_listening`` once its port is open, and returns once ``_stop`` is
    set.
    """

    def __init__(self, name: str) -> None:
        self._port = 0
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name)
        self._refusal: OSError | OverflowError | None = None

    @property
    def root(self) -> str:
        """The address, without a path."""
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        if self._refusal is not None:
            self._thread.join()
            raise self._refusal
        return self

    def __exit__(self, *exception: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except (OSError, OverflowError) as error:  # the port is taken, or is none
            if self._started.is_set():
                raise
            self._refusal = error
            self._started.set()

    def _listening(self, port: int) -> None:
        """Let the ``with`` block start."""
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._port = port
        self._started.set()

    @abstractmethod
    async def _serve(self) -> None: ...
