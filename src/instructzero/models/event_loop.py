"""Run coroutines from synchronous code."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Value = TypeVar("Value")


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

    def run(self, coroutine: Coroutine[Any, Any, Value]) -> Value:
        """Return the result of ``coroutine``; an interrupt cancels it."""
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
