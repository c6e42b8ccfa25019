"""Run coroutines from synchronous code."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from threading import Lock
from typing import Any, TypeVar

Value = TypeVar("Value")


class Interrupt:
    """Interrupts the work of another thread once, as Ctrl-C interrupts that of the main thread.

    An `EventLoop` that is made in a block of `heeded` raises `KeyboardInterrupt` in `EventLoop.run`, at once if it is
    running, or else with the next coroutine.

    >>> interrupt = Interrupt()
    >>> with interrupt.heeded():
    ...     loop = EventLoop()
    >>> interrupt.send()
    >>> loop.run(asyncio.sleep(0))
    Traceback (most recent call last):
    KeyboardInterrupt
    >>> loop.run(asyncio.sleep(0, "once only")); loop.close()
    'once only'
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._is_due = False
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None

    @contextlib.contextmanager
    def heeded(self) -> Iterator[None]:
        """Let the event loops that this thread makes in the block heed the interrupt."""
        token = _heeded.set(self)
        try:
            yield
        finally:
            _heeded.reset(token)

    def send(self) -> None:
        """Interrupt, from any thread."""
        with self._lock:
            self._is_due = True
            if self._running is not None:
                loop, task = self._running
                loop.call_soon_threadsafe(task.cancel)

    def take(self) -> bool:
        """Return True once for an interrupt."""
        with self._lock:
            is_due, self._is_due = self._is_due, False
        return is_due

    @contextlib.contextmanager
    def watching(self, task: asyncio.Task[Any]) -> Iterator[None]:
        """Cancel ``task`` if an interrupt comes in the block. Used inside the task's event loop."""
        with self._lock:
            self._running = asyncio.get_running_loop(), task
            if self._is_due:
                task.cancel()
        try:
            yield
        finally:
            with self._lock:
                self._running = None


_heeded: ContextVar[Interrupt | None] = ContextVar("heeded", default=None)


class EventLoop:
    """An event loop for synchronous callers, even if another loop runs in their thread, as in a notebook.

    >>> loop = EventLoop()
    >>> loop.run(asyncio.sleep(0, "done"))
    'done'
    >>> loop.close()
    """

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._task: asyncio.Task[Any] | None = None
        self._interrupt = _heeded.get()

    def run(self, coroutine: Coroutine[Any, Any, Value]) -> Value:
        """Return the result of ``coroutine``; an interrupt cancels it, and so does an `Interrupt`."""
        if self._interrupt is None:
            return self.finish(coroutine)
        if self._interrupt.take():
            coroutine.close()
            raise KeyboardInterrupt
        try:
            return self.finish(self._watched(coroutine, self._interrupt))
        except asyncio.CancelledError:
            if self._interrupt.take():
                raise KeyboardInterrupt from None
            raise

    def finish(self, coroutine: Coroutine[Any, Any, Value]) -> Value:
        """Return the result of ``coroutine``, also after an `Interrupt`: for work that must not be left undone."""
        if not _is_loop_running():
            return self._runner.run(coroutine)
        with ThreadPoolExecutor(1) as thread:
            future = thread.submit(lambda: self._runner.run(self._tracked(coroutine)))
            try:
                return future.result()
            except KeyboardInterrupt:
                self._runner.get_loop().call_soon_threadsafe(self._cancel)
                raise

    def close(self) -> None:
        """Close the loop."""
        if not _is_loop_running():
            self._runner.close()
            return
        with ThreadPoolExecutor(1) as thread:
            thread.submit(self._runner.close).result()

    async def _watched(self, coroutine: Coroutine[Any, Any, Value], interrupt: Interrupt) -> Value:
        task = asyncio.current_task()
        assert task is not None
        with interrupt.watching(task):
            return await coroutine

    async def _tracked(self, coroutine: Coroutine[Any, Any, Value]) -> Value:
        self._task = asyncio.current_task()
        return await coroutine

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()


def _is_loop_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
