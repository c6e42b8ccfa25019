"""Cells on processes of this machine, each with models of its own, loaded once."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import Counter, deque
from collections.abc import Generator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from instructzero.bench.engines import LIVES, STOP_S, lost
from instructzero.bench.engines.worker import Failure, attempt, succeeded, use_one_thread

if TYPE_CHECKING:
    from instructzero.bench.cell import Outcome
    from instructzero.bench.plan import CellPlan

_SPAWN = multiprocessing.get_context("spawn")  # a fork would inherit threads and open stores


class ProcessEngine:
    """An `Engine` of at most ``workers`` processes."""

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def map(self, plans: Sequence[CellPlan]) -> Generator[Outcome, None, None]:
        waiting, begun = deque(plans), Counter[Path]()
        workers: list[_Worker] = []
        try:
            for _ in range(min(self._workers, len(plans))):
                workers.append(_Worker())
            while waiting or any(worker.plan for worker in workers):
                for worker in workers:
                    if worker.plan is None and waiting:
                        begun[waiting[0].folder] += 1
                        worker.begin(waiting.popleft())
                for worker in _heard([worker for worker in workers if worker.plan]):
                    plan, outcome = worker.end()
                    if outcome is not None:
                        yield outcome
                        continue
                    if begun[plan.folder] == LIVES:
                        raise lost(plan)
                    waiting.appendleft(plan)
                    workers[workers.index(worker)] = _Worker()
        finally:
            for worker in workers:
                worker.stop()
            for worker in workers:
                worker.join()


class _Worker:
    """A process that runs one cell after the other; ``plan`` is the one it is at."""

    def __init__(self) -> None:
        self.plan: CellPlan | None = None
        self.connection, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def begin(self, plan: CellPlan) -> None:
        self.plan = plan
        with suppress(OSError):  # it is dead, as `end` will find
            self.connection.send(plan)

    def end(self) -> tuple[CellPlan, Outcome | None]:
        """The cell and its outcome, None where the process died; raises the cell's error."""
        plan, self.plan = self.plan, None
        if plan is None:
            raise RuntimeError("a worker is given a cell before it is asked for the outcome")
        try:
            outcome: Outcome | Failure = self.connection.recv()
        except (EOFError, OSError):
            self._process.join()
            return plan, None
        return plan, succeeded(outcome)

    def stop(self) -> None:
        """An idle worker ends when it hears nobody any more, a busy one when it is interrupted, once."""
        self.connection.close()
        if self.plan is not None and self._process.is_alive() and self._process.pid is not None:
            os.kill(self._process.pid, signal.SIGINT)

    def join(self) -> None:
        self._process.join(STOP_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()


def _heard(workers: Sequence[_Worker]) -> list[_Worker]:
    """The workers that have something to say or are dead, once there are any."""
    by_connection = {worker.connection: worker for worker in workers}
    return [by_connection[each] for each in wait(list(by_connection)) if isinstance(each, Connection)]


def _serve(connection: Connection) -> None:
    """The life of a worker."""
    # An interrupt comes from the parent only: of the terminal's, a second one would cut off what is on its way.
    os.setpgrp()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    use_one_thread()
    from instructzero.bench.cell import LocalModels

    models = LocalModels()
    with suppress(EOFError, OSError, KeyboardInterrupt):  # nobody is there any more, or wants to hear
        while True:
            plan = connection.recv()
            if connection.poll():  # closed since; nothing else can have come
                break
            connection.send(attempt(plan, models))
    os._exit(0)  # nothing is open, and to take the libraries down takes seconds


def _end_with_parent() -> None:
    """A parent that was killed cannot interrupt its workers."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGINT)
