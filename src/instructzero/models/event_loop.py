"""Run coroutines from synchronous code."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from threading import RLock
from typing import Any, TypeVar

Value = TypeVar("Value")


class Interrupt:
    """Interrupts the work of another thread once, as Ctrl-C interrupts that of the main thread.

    An `EventLoop` that is made in a block of `heeded` raises ``error`` in `EventLoop.run`, at once if it is running, or
    else with the next coroutine. Several interrupts may be heeded at once.

    Attributes
    ----------
    error
        The exception that is raised.
    hurries
        True after `hurry`: what is in flight is not waited for.

    >>> interrupt = Interrupt(TimeoutError)
    >>> with interrupt.heeded():
    ...     loop = EventLoop()
    >>> interrupt.send()
    False
    >>> loop.run(asyncio.sleep(0))
    Traceback (most recent call last):
    TimeoutError
    >>> loop.run(asyncio.sleep(0, "once only")); loop.close()
    'once only'
    """

    def __init__(self, error: type[BaseException] = KeyboardInterrupt) -> None:
        self.error = error
        self.hurries = False
        self._lock = RLock()  # a handler of signals sends in the thread that may just hold the lock
        self._is_due = False
        self._running: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = []
        self._finishing = 0

    @contextlib.contextmanager
    def heeded(self) -> Iterator[None]:
        """Let the event loops that this thread makes in the block heed the interrupt."""
        token = _heeded.set((*_heeded.get(), self))
        try:
            yield
        finally:
            _heeded.reset(token)

    def send(self) -> bool:
        """Interrupt, from any thread; return True if a coroutine was running, which is cancelled."""
        with self._lock:
            self._is_due = True
            for loop, task in self._running:
                loop.call_soon_threadsafe(task.cancel)
            return bool(self._running)

    def hurry(self) -> None:
        """Let what is finished after the interrupt wait for nothing more."""
        self.hurries = True

    @property
    def is_due(self) -> bool:
        """True after `send`, until the interrupt is raised or taken."""
        return self._is_due

    @property
    def is_deferred(self) -> bool:
        """True while an `EventLoop` works that ends by itself or raises the interrupt."""
        return self._finishing > 0

    def take(self) -> bool:
        """Return True once for an interrupt."""
        with self._lock:
            is_due, self._is_due = self._is_due, False
        return is_due

    @contextlib.contextmanager
    def watching(self, task: asyncio.Task[Any]) -> Iterator[None]:
        """Cancel ``task`` if an interrupt comes in the block. Used inside the task's event loop."""
        running = asyncio.get_running_loop(), task
        with self._lock:
            self._running.append(running)
            if self._is_due:
                task.cancel()
        try:
            yield
        finally:
            with self._lock:
                self._running.remove(running)

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Mark the block as one that takes care of the interrupt, or must not be left undone."""
        self._finishing += 1
        try:
            yield
        finally:
            self._finishing -= 1


_heeded: ContextVar[tuple[Interrupt, ...]] = ContextVar("heeded", default=())


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
        self._interrupts = _heeded.get()

    @property
    def hurries(self) -> bool:
        """True if what is in flight must not be waited for; see `Interrupt.hurry`."""
        return any(interrupt.hurries for interrupt in self._interrupts)

    def run(self, coroutine: Coroutine[Any, Any, Value]) -> Value:
        """Return the result of ``coroutine``; an interrupt cancels it, and so does an `Interrupt`."""
        if not self._interrupts:
            return self._completed(coroutine)
        with self._deferring():  # `watching` ends it while the coroutine runs
            try:
                self._raise_due()
                value = self._completed(self._watched(coroutine))
            except asyncio.CancelledError:
                self._raise_due()
                raise
            finally:
                if inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED:
                    coroutine.close()
            self._raise_due()  # it came too late to cancel the coroutine
        return value

    def finish(self, coroutine: Coroutine[Any, Any, Value]) -> Value:
        """Return the result of ``coroutine``, also after an `Interrupt`: for work that must not be left undone."""
        with self._deferring():
            return self._completed(coroutine)

    def close(self) -> None:
        """Close the loop."""
        if not _is_loop_running():
            self._runner.close()
            return
        with ThreadPoolExecutor(1) as thread:
            thread.submit(self._runner.close).result()

    def _completed(self, coroutine: Coroutine[Any, Any, Value]) -> Value:
        if not _is_loop_running():
            return self._runner.run(coroutine)
        with ThreadPoolExecutor(1) as thread:
            future = thread.submit(lambda: self._runner.run(self._tracked(coroutine)))
            try:
                return future.result()
            except KeyboardInterrupt:
                self._runner.get_loop().call_soon_threadsafe(self._cancel)
                raise

    @contextlib.contextmanager
    def _deferring(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for interrupt in self._interrupts:
                stack.enter_context(interrupt.deferred())
            yield

    def _raise_due(self) -> None:
        for interrupt in self._interrupts:
            if interrupt.take():
                raise interrupt.error from None

    async def _watched(self, coroutine: Coroutine[Any, Any, Value]) -> Value:
        task = asyncio.current_task()
        assert task is not None
        with contextlib.ExitStack() as stack:
            for interrupt in self._interrupts:
                stack.enter_context(interrupt.watching(task))
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
