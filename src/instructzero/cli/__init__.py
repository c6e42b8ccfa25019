"""The command line: the commands' files in `commands`, and `app`, which puts them together."""

import contextlib
import os
import signal
import sys
import threading


def main() -> None:
    """Run the command line; the entry point of the package."""
    _leave_on_signals()

    from instructzero.cli import app  # here, so that a module of this folder can be imported without the commands

    try:
        app.main()
    except SystemExit as end:
        if isinstance(end.code, int) and (end.code > 128 or _threads_are_left()):
            _leave(end.code)
        raise


def _leave_on_signals() -> None:
    """End the process at once, as long as only modules are imported: an exception in an import may be lost."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # nohup ignores one
            signal.signal(number, lambda number, frame: os._exit(128 + number))


def _threads_are_left() -> bool:
    """Return True if an exit would wait for a thread, such as one in a function of the user that takes too long."""
    return any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread())


def _leave(code: int) -> None:
    """End the process at once; all files are closed, but a terminal that is gone must not change the exit code."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
