"""Run cells as jobs of a Slurm cluster, submitted with submitit from a machine that has Slurm's commands.

Every node needs this package, the models, and the folder of the bench under the same path. The resources of a job are
set by Slurm's own variables: ``SBATCH_PARTITION``, ``SBATCH_GPUS``, ``SBATCH_TIMELIMIT`` and so on.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections import Counter, deque
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from instructzero.bench.engines import LIVES, STOP_S, lost
from instructzero.bench.engines.worker import THREADS, Failure, attempt, succeeded, use_one_thread
from instructzero.errors import ConfigurationError, InstructZeroError

if TYPE_CHECKING:
    from instructzero.bench.cell import Outcome
    from instructzero.bench.plan import CellPlan

NAME = "instructzero"
"""The name of the jobs."""

_LIMIT_MIN = 60  # unfinished cells continue in another job
_ASK_S = 30.0  # between two queries of the queue: a job that died sends no message
_POLL_S = 1.0
_ENDINGS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)  # cancelled; preempted or near the time limit


class SlurmEngine:
    """An `Engine` of at most ``workers`` jobs at once, each with one processor and the cells that share a call store.

    These cells run one after another, so that the models are loaded once and no two machines write to one SQLite file.
    ``folder`` is for the submission files and logs of the jobs.
    """

    def __init__(self, workers: int, folder: Path) -> None:
        """Raise `ConfigurationError` if submitit or Slurm is not installed."""
        try:
            import submitit  # noqa: F401
        except ModuleNotFoundError:
            raise ConfigurationError(
                "expected submitit for the engine 'slurm', found none; install it with pip install "
                "'instructzero[slurm]', or use --engine processes"
            ) from None
        if shutil.which("sbatch") is None or shutil.which("srun") is None:
            raise ConfigurationError(
                "expected Slurm's commands sbatch and srun for the engine 'slurm', found none on this machine; run the "
                "bench on a login node, or use --engine processes"
            )
        self._workers = workers
        self._folder = folder

    def map(self, plans: Sequence[CellPlan]) -> Generator[Outcome, None, None]:
        """Yield the outcome of each cell; see `Engine.map`."""
        if not plans:
            return
        executor = self._executor()
        waiting, deaths = deque(_sharing(plans)), Counter[Path]()
        running: dict[Any, list[CellPlan]] = {}
        try:
            while waiting or running:
                while waiting and len(running) < self._workers:
                    cells = waiting.popleft()
                    running[_submitted(executor, cells)] = cells
                for job in _ended(running):
                    cells = running.pop(job)
                    outcomes = _outcomes(job, cells, deaths)
                    yield from outcomes
                    if len(outcomes) < len(cells):
                        waiting.appendleft(cells[len(outcomes) :])
        finally:
            _cancel(list(running))

    def _executor(self) -> Any:
        import submitit

        os.environ.update(THREADS)  # a job inherits the environment of the submitting process
        executor = submitit.AutoExecutor(self._folder, cluster="slurm")
        executor.update_parameters(name=NAME, timeout_min=_LIMIT_MIN, cpus_per_task=1)
        return executor


def _sharing(plans: Sequence[CellPlan]) -> list[list[CellPlan]]:
    """Group the cells by their call store."""
    groups: dict[Path | None, list[CellPlan]] = {}
    for plan in plans:
        groups.setdefault(plan.settings.store, []).append(plan)
    return list(groups.values())


def _submitted(executor: Any, cells: list[CellPlan]) -> Any:
    try:
        return executor.submit(_work, cells)
    except Exception as error:  # submitit raises several types with the message of sbatch
        raise InstructZeroError(
            f"expected Slurm to accept the job, got: {' '.join(str(error).split())}; fix the variables SBATCH_..., or "
            "use --engine processes"
        ) from error


def _work(cells: Sequence[CellPlan]) -> list[Outcome | Failure]:
    """Run the cells of a job; the outcomes end at the first failure, or where Slurm ended the job."""
    outcomes: list[Outcome | Failure] = []
    for number in _ENDINGS:
        signal.signal(number, _interrupt)
    try:
        use_one_thread()
        from instructzero.bench.local_models import LocalModels

        models = LocalModels()
        for cell in cells:
            outcomes.append(attempt(cell, models))
            if isinstance(outcomes[-1], Failure):
                break
    except KeyboardInterrupt:
        pass
    return outcomes


def _interrupt(*_: object) -> None:
    """End the job as Ctrl-C does, which stores the answers of open requests; a second signal would prevent that."""
    for number in _ENDINGS:
        signal.signal(number, signal.SIG_IGN)
    os.kill(os.getpid(), signal.SIGINT)


def _ended(jobs: dict[Any, list[CellPlan]]) -> list[Any]:
    """Wait for jobs that are no longer queued or running, and return them."""
    asked = time.monotonic()
    while True:
        if ended := [job for job in jobs if job.done()]:
            return ended
        time.sleep(_POLL_S)
        if time.monotonic() > asked + _ASK_S:
            next(iter(jobs)).watcher.update()
            asked = time.monotonic()


def _outcomes(job: Any, cells: Sequence[CellPlan], deaths: Counter[Path]) -> list[Outcome]:
    """Return the outcomes of the cells that the job has finished; raises the error of the cell that failed."""
    from submitit.core.utils import FailedJobError, UncompletedJobError

    try:
        outcomes: list[Outcome | Failure] = job.result()
    except FailedJobError as error:  # something that `attempt` needs is missing on the node
        raise RuntimeError(f"{cells[0]}:\n{error}") from None
    except UncompletedJobError as error:
        finished = _finished_before(cells)
        if len(finished) < len(cells):
            at = cells[len(finished)]
            deaths[at.folder] += 1
            if deaths[at.folder] == LIVES:
                raise lost(at) from error
        return finished
    return [succeeded(outcome) for outcome in outcomes]


def _finished_before(cells: Sequence[CellPlan]) -> list[Outcome]:
    """Read the cells that the job finished before it died."""
    from instructzero.bench.cell import kept_outcome

    finished: list[Outcome] = []
    for cell in cells:
        outcome = kept_outcome(cell)
        if outcome is None:
            break
        finished.append(outcome)
    return finished


def _cancel(jobs: Sequence[Any]) -> None:
    """Interrupt the jobs, and wait until the running ones have stored the answers of their open requests."""
    for job in jobs:
        job.cancel(check=False)
    deadline = time.monotonic() + STOP_S
    while any(map(_is_at_work, jobs)) and time.monotonic() < deadline:
        time.sleep(_POLL_S)


def _is_at_work(job: Any) -> bool:
    return job.paths.stdout.exists() and not job.paths.result_pickle.exists()
