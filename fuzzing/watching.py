"""Run one case in this process, and find what it must not do."""

from __future__ import annotations

import contextlib
import faulthandler
import hashlib
import io
import os
import resource
import shutil
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from types import FrameType

from fuzzing.kinds import KINDS
from instructzero.errors import LONGEST_MESSAGE, InstructZeroError

LIMIT_S = 10.0
"""The longest processor time that a command may take, whatever it is given: a busy machine is no fault of it."""

_WAIT_S = 120.0  # by the clock, which finds a command that waits for something that never comes
_STUCK_S = 240.0  # then nothing of Python runs any more, and the whole process ends
_MEMORY = 12 * 2**30
_NAME = "instructzero: "

Step = Callable[[], None]


class Hang(BaseException):
    """A step takes too long; no handler of `Exception` takes it for something else."""


class Laboratory:
    """Makes cases in a folder of their own, runs them, and compares the files around it before and after.

    Parameters
    ----------
    folder
        An empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._around = folder / "around"
        self._around.mkdir(parents=True)
        for name in ("result.json", "report.html", "journal.jsonl", "notes.txt"):
            (self._around / name).write_text(f"somebody else's {name}\n", encoding="utf-8")
        self._before = _digests(self._around)
        resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, resource.getrlimit(resource.RLIMIT_DATA)[1]))
        for number in (signal.SIGALRM, signal.SIGPROF):
            signal.signal(number, _hang)

    def run(self, kind: str, seed: int, number: int, *, keep: bool = False) -> str:
        """Run a case, and return what is wrong with it, or ""."""
        folder = self._folder / "case"
        folder.mkdir()
        random = Random(f"{kind}/{seed}/{number}")
        try:
            with contextlib.chdir(folder):
                found = [text for step in KINDS[kind](random, folder, self._around) if (text := _trouble(step))]
            changed = [str(name) for name, digest in _digests(self._around).items() if self._before.get(name) != digest]
            if changed:
                found.append(f"changed outside: {', '.join(changed)}")
        finally:
            _forget(folder, keep)
        return "\n".join(found)


def _trouble(step: Step) -> str:
    """Run a step, and return what is wrong with it, or ""."""
    began = time.process_time()
    with _captured() as said:
        ended = _ended(step)
    took = time.process_time() - began
    if took > LIMIT_S:
        ended = f"took {took:.1f} s of processor time; {ended}"
    return f"{_described(step)}: {problem}" if (problem := ended or _long_message(said.getvalue())) else ""


def _ended(step: Step) -> str:
    """Return the traceback of a step that ends in another exception than one raised on purpose, or ""."""
    signal.setitimer(signal.ITIMER_PROF, LIMIT_S + 1)
    signal.setitimer(signal.ITIMER_REAL, _WAIT_S)
    faulthandler.dump_traceback_later(_STUCK_S, exit=True, file=sys.__stderr__ or sys.stderr)
    try:
        step()
    except InstructZeroError as error:
        return _too_long(str(error))
    except SystemExit as end:
        return "" if end.code in (0, None, 2) else f"exit code {end.code!r}"
    except BaseException as error:
        lines = traceback.format_exception(error)
        return "".join(lines)[-2500:]
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
    return ""


def _long_message(said: str) -> str:
    if "Traceback (most recent call last)" in said:
        return said[-2500:]
    return next((text for line in said.split("\n") if line.startswith(_NAME) and (text := _too_long(line))), "")


def _too_long(message: str) -> str:
    line = max(message.removeprefix(_NAME).split("\n"), key=len)
    return f"a message of {len(line)} characters: {line[:300]}" if len(line) > LONGEST_MESSAGE else ""


@contextlib.contextmanager
def _captured() -> Iterator[io.StringIO]:
    """Take what a step prints; what it warns of is no trouble of the user's."""
    said, streams = io.StringIO(), (sys.stdout, sys.stderr)
    sys.stdout, sys.stderr = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="surrogateescape"), said
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield said
    finally:
        sys.stdout, sys.stderr = streams


def _described(step: Step) -> str:
    return repr(step)[:600]


def _hang(number: int, frame: FrameType | None) -> None:
    kind = "" if number == signal.SIGALRM else " of processor time"
    raise Hang(f"no end within {_WAIT_S if number == signal.SIGALRM else LIMIT_S:g} s{kind}")


def _digests(folder: Path) -> dict[Path, str]:
    return {
        path: f"{os.lstat(path).st_mtime_ns} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _forget(folder: Path, keep: bool) -> None:
    if keep:
        print(f"the input lies in {folder}")
        return
    shutil.rmtree(folder, ignore_errors=True)
