"""Cells as jobs of a Slurm cluster, submitted from a machine that has its commands, by submitit.

Every node needs this package, the models, and the folder of the bench under the same path. What a job should have is
said to Slurm in its own variables: ``SBATCH_PARTITION``, ``SBATCH_GPUS``, ``SBATCH_TIMELIMIT`` and so on.
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
"""What the jobs are called."""

_LIMIT_MIN = 60  # what is not finished by then goes on in another job
_ASK_S = 30.0  # between two looks at the queue: a job that died says nothing itself
_POLL_S = 1.0
_ENDINGS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)  # cancelled; preempted or near the limit of its time


class SlurmEngine:
    """An `Engine` of at most ``workers`` jobs at once, each with one processor and the cells that share their answers.

    These run one after the other, so that the models are loaded once and no two machines write into one file of
    SQLite's. ``folder`` is for the jobs' papers and logs.
    """

    def __init__(self, workers: int, folder: Path) -> None:
        """Raises `ConfigurationError` where submitit or Slurm is not installed."""
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

        os.environ.update(THREADS)  # a job has the environment of who submits it
        executor = submitit.AutoExecutor(self._folder, cluster="slurm")
        executor.update_parameters(name=NAME, timeout_min=_LIMIT_MIN, cpus_per_task=1)
        return executor


def _sharing(plans: Sequence[CellPlan]) -> list[list[CellPlan]]:
    """The cells by the file of their answers."""
    groups: dict[Path | None, list[CellPlan]] = {}
    for plan in plans:
        groups.setdefault(plan.settings.store, []).append(plan)
    return list(groups.values())


def _submitted(executor: Any, cells: list[CellPlan]) -> Any:
    try:
        return executor.submit(_work, cells)
    except Exception as error:  # submitit raises what sbatch has said, in several kinds
        raise InstructZeroError(
            f"Slurm takes no job ({' '.join(str(error).split())}); mend the variables SBATCH_..., or use --engine "
            "processes"
        ) from error


def _work(cells: Sequence[CellPlan]) -> list[Outcome | Failure]:
    """What a job does: the outcomes of the cells up to the first failure, or to where it was told to end."""
    outcomes: list[Outcome | Failure] = []
    for each in _ENDINGS:
        signal.signal(each, _interrupt)
    try:
        use_one_thread()
        from instructzero.bench.cell import LocalModels

        models = LocalModels()
        for cell in cells:
            outcomes.append(attempt(cell, models))
            if isinstance(outcomes[-1], Failure):
                break
    except KeyboardInterrupt:
        pass
    return outcomes


def _interrupt(*_: object) -> None:
    """End as on Ctrl-C, which keeps what is on its way; a second signal would cut that off."""
    for each in _ENDINGS:
        signal.signal(each, signal.SIG_IGN)
    os.kill(os.getpid(), signal.SIGINT)


def _ended(jobs: dict[Any, list[CellPlan]]) -> list[Any]:
    """The jobs that are no longer queued or running, once there are any."""
    asked = time.monotonic()
    while True:
        if ended := [job for job in jobs if job.done()]:
            return ended
        time.sleep(_POLL_S)
        if time.monotonic() > asked + _ASK_S:
            next(iter(jobs)).watcher.update()
            asked = time.monotonic()


def _outcomes(job: Any, cells: Sequence[CellPlan], deaths: Counter[Path]) -> list[Outcome]:
    """Those of the cells that the job has finished; raises the error of the one that it has failed at."""
    from submitit.core.utils import FailedJobError, UncompletedJobError

    try:
        outcomes: list[Outcome | Failure] = job.result()
    except FailedJobError as error:  # the node lacks something that `attempt` needs
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
    """What the job has kept of its cells before it died."""
    from instructzero.bench.cell import kept_outcome

    finished: list[Outcome] = []
    for cell in cells:
        outcome = kept_outcome(cell)
        if outcome is None:
            break
        finished.append(outcome)
    return finished


def _cancel(jobs: Sequence[Any]) -> None:
    """Interrupt the jobs, and wait until those that have begun have kept what was on its way."""
    for job in jobs:
        job.cancel(check=False)
    deadline = time.monotonic() + STOP_S
    while any(map(_is_at_work, jobs)) and time.monotonic() < deadline:
        time.sleep(_POLL_S)


def _is_at_work(job: Any) -> bool:
    return job.paths.stdout.exists() and not job.paths.result_pickle.exists()
