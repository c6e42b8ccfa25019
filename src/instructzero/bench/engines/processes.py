"""Run cells in processes of this machine. Every process loads its own models, once."""

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

_SPAWN = multiprocessing.get_context("spawn")  # a forked process would inherit threads and open call stores


class ProcessEngine:
    """An `Engine` of at most ``workers`` processes."""

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def map(self, plans: Sequence[CellPlan]) -> Generator[Outcome, None, None]:
        """Yield the outcome of each cell; see `Engine.map`."""
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
                for worker in _ready([worker for worker in workers if worker.plan]):
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
    """A process that runs one cell after another; ``plan`` is the current one."""

    def __init__(self) -> None:
        self.plan: CellPlan | None = None
        self.connection, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def begin(self, plan: CellPlan) -> None:
        """Send a cell to the process."""
        self.plan = plan
        with suppress(OSError):  # the process is dead; `end` will detect it
            self.connection.send(plan)

    def end(self) -> tuple[CellPlan, Outcome | None]:
        """Return the cell and its outcome, None if the process died; raises the error of the cell."""
        plan, self.plan = self.plan, None
        if plan is None:
            raise RuntimeError("expected begin() before end(): the worker has no cell")
        try:
            outcome: Outcome | Failure = self.connection.recv()
        except (EOFError, OSError):
            self._process.join()
            return plan, None
        return plan, succeeded(outcome)

    def stop(self) -> None:
        """Stop the process: closing the connection ends an idle one, a single interrupt ends a busy one."""
        self.connection.close()
        if self.plan is not None and self._process.is_alive() and self._process.pid is not None:
            os.kill(self._process.pid, signal.SIGINT)

    def join(self) -> None:
        """Wait until the process has ended, at most `STOP_S` seconds, then kill it."""
        self._process.join(STOP_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()


def _ready(workers: Sequence[_Worker]) -> list[_Worker]:
    """Wait for workers that have sent an outcome or died, and return them."""
    by_connection = {worker.connection: worker for worker in workers}
    ready = wait(list(by_connection))
    return [by_connection[connection] for connection in ready if isinstance(connection, Connection)]


def _serve(connection: Connection) -> None:
    """Run cells until the connection is closed; this is the main function of a worker process."""
    # Only the parent interrupts a worker: a second Ctrl-C in the terminal would cut off open requests.
    os.setpgrp()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    use_one_thread()
    from instructzero.bench.local_models import LocalModels

    models = LocalModels()
    with suppress(EOFError, OSError, KeyboardInterrupt):  # the parent has gone or has interrupted this worker
        while True:
            plan = connection.recv()
            if connection.poll():  # the connection was closed: the parent sends nothing else before the outcome
                break
            connection.send(attempt(plan, models))
    os._exit(0)  # nothing is open, and a normal exit takes seconds to unload the libraries


def _end_with_parent() -> None:
    """Interrupt this process once the parent is gone: a killed parent cannot interrupt its workers."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGINT)
