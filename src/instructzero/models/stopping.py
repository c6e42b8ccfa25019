"""Signals that end a program: Ctrl-C (SIGINT), SIGTERM of a scheduler or a container, SIGHUP of a closed terminal.

The first one ends the work of the main thread in an orderly way: nothing new is asked, the answers of open requests are
stored, and files are closed. Signals that follow within a second belong to the first: a terminal that is closed sends
two, and a key that is held many. A later one ends the wait for open requests, and one after that the process.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Collection, Iterator
from contextvars import ContextVar
from threading import Timer, current_thread, main_thread
from types import FrameType, TracebackType
from typing import Any, Self

from instructzero.models.event_loop import Interrupt

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""The signals that end a program in an orderly way."""

TOGETHER_S = 1.0
"""Signals that follow one within this time belong to it."""

_AGAIN_S = 0.05
_BEFORE_SIGNALS = 128  # an exit code above is that of a signal, as in a shell


def heeded_signals() -> list[int]:
    """Return those of `SIGNALS` that this process does not ignore, as it does under ``nohup``."""
    return [number for number in SIGNALS if signal.getsignal(number) not in (signal.SIG_IGN, None)]


class Stop:
    """Ends the work of the main thread at a signal, in the block of a ``with`` statement.

    In a block of `working`, the coroutine of an `EventLoop` is cancelled, `EventLoop.finish` runs to its end, an import
    too, and everything else gets a `KeyboardInterrupt`. Outside of it, an import ends the process at once: an exception
    in an import may be lost, and nothing is open yet.

    Parameters
    ----------
    numbers
        The signals.
    once
        Ignore all signals but the first.

    Attributes
    ----------
    number
        The first signal that came, or None.
    """

    def __init__(self, numbers: Collection[int], *, once: bool = False) -> None:
        self.number: int | None = None
        self._numbers = tuple(numbers) if current_thread() is main_thread() else ()
        self._once = once
        self._interrupt = Interrupt()
        self._is_working = False
        self._count = 0
        self._since = 0.0
        self._is_repeated = False
        self._handlers: dict[int, Any] = {}
        self._outside: FrameType | None = None

    @property
    def exit_code(self) -> int | None:
        """The exit code after the signal, by the convention of shells: 130 after Ctrl-C. None if none came."""
        return None if self.number is None else _BEFORE_SIGNALS + self.number

    def __enter__(self) -> Self:
        self._outside = sys._getframe(1)
        self._token = _current.set(self)
        self._unraisable, sys.unraisablehook = sys.unraisablehook, self._lost
        self._handlers = {number: signal.signal(number, self._receive) for number in self._numbers}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        sys.unraisablehook = self._unraisable
        _current.reset(self._token)
        self._outside = None

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Mark the block as work that has to end in an orderly way."""
        self._is_working = True
        try:
            with self._interrupt.heeded():
                yield
        finally:
            self._is_working = False

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self._is_repeated:
            self._is_repeated = False
            if self._interrupt.is_due:  # otherwise an event loop has raised it
                self._end(frame)
            return
        now = time.monotonic()
        if self.number is not None and (self._once or now < self._since + TOGETHER_S):
            return
        self.number = self.number or number
        self._count, self._since = self._count + 1, now
        if self._count > 2:
            os._exit(_BEFORE_SIGNALS + self.number)
        if self._count == 2:
            self._interrupt.hurry()
            raise KeyboardInterrupt
        self._end(frame)

    def _end(self, frame: FrameType | None) -> None:
        """End what the main thread does at this moment, or do it a little later."""
        if self._interrupt.send():
            return
        is_importing = _is_importing(frame, self._outside)
        if is_importing and not self._is_working:
            os._exit(_BEFORE_SIGNALS + (self.number or 0))
        if is_importing or self._interrupt.is_deferred:
            self._repeat()
            return
        self._interrupt.take()
        raise KeyboardInterrupt

    def _repeat(self) -> None:
        """Receive the signal again in a moment."""
        self._is_repeated = True
        timer = Timer(_AGAIN_S, signal.pthread_kill, (main_thread().ident, self.number))
        timer.daemon = True
        timer.start()

    def _lost(self, unraisable: sys.UnraisableHookArgs) -> None:
        """Repeat an interrupt that was raised where Python drops it, such as in ``__del__``."""
        if unraisable.exc_type is not KeyboardInterrupt or self.number is None:
            self._unraisable(unraisable)
        elif not self._interrupt.send():
            self._repeat()


_current: ContextVar[Stop | None] = ContextVar("stop", default=None)


def working() -> contextlib.AbstractContextManager[None]:
    """Return the `Stop.working` of the `Stop` in whose block this is called; without one, signals are left alone."""
    stop = _current.get()
    return contextlib.nullcontext() if stop is None else stop.working()


def _is_importing(frame: FrameType | None, outside: FrameType | None) -> bool:
    """Return True if a module is imported in ``frame``, or in one that called it, up to the frame ``outside``."""
    while frame is not None and frame is not outside:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
