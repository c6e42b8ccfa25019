"""Run cells on a Ray cluster: a running one or that of ``RAY_ADDRESS``; otherwise one is started on this machine.

Every node needs this package, the models, and the folder of the bench under the same path.
"""

from __future__ import annotations

import logging
import math
import os
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from instructzero.bench.engines import LIVES, STOP_S, lost, take
from instructzero.bench.engines.worker import Failure, attempt, succeeded, use_one_thread
from instructzero.errors import ConfigurationError, InstructZeroError

if TYPE_CHECKING:
    from instructzero.bench.cell import Outcome
    from instructzero.bench.local_models import LocalModels
    from instructzero.bench.plan import CellPlan

_OBJECT_STORE = 128 * 2**20  # bytes; the outcomes are small


class RayEngine:
    """An `Engine` of at most ``workers`` Ray tasks at once, each with one processor and an equal part of the GPUs."""

    def __init__(self, workers: int) -> None:
        """Raise `ConfigurationError` if Ray is not installed."""
        try:
            import ray  # noqa: F401
        except ModuleNotFoundError:
            raise ConfigurationError(
                "expected Ray for the engine 'ray', found none; install it with pip install 'instructzero[ray]', or "
                "use --engine processes"
            ) from None
        self._workers = workers

    def map(self, plans: Sequence[CellPlan]) -> Generator[Outcome, None, None]:
        """Yield the outcome of each cell; see `Engine.map`."""
        if not plans:
            return
        import ray

        with _cluster(ray, self._workers) as own:
            task = self._task(ray)
            waiting = deque(plans)
            running: dict[Any, CellPlan] = {}
            try:
                while waiting or running:
                    while len(running) < self._workers and (plan := take(waiting, () if own else running.values())):
                        running[task.remote(plan)] = plan
                    (ready,), _ = ray.wait(list(running))
                    yield _outcome(ray, ready, running.pop(ready))
            finally:
                _stop(ray, list(running))

    def _task(self, ray: Any) -> Any:
        """Return the Ray task that runs a cell; a process runs any number of cells, so that its models stay loaded."""
        gpus = ray.cluster_resources().get("GPU", 0.0)
        share = min(1.0, math.floor(1e4 * gpus / self._workers) / 1e4)  # Ray counts in ten-thousandths
        return ray.remote(num_cpus=1, num_gpus=share, max_retries=LIVES - 1, max_calls=0)(_run)


@contextmanager
def _cluster(ray: Any, workers: int) -> Iterator[bool]:
    """Connect to a cluster; yields True if it was started here, on this machine only.

    A connection that existed before stays open.
    """
    if ray.is_initialized():
        yield False
        return
    quiet, own = {"log_to_driver": False, "logging_level": logging.ERROR}, False
    try:
        ray.init(address="auto", **quiet)
    except ConnectionError:
        _start(ray, workers, quiet)
        own = True
    try:
        yield own
    finally:
        ray.shutdown()


def _start(ray: Any, workers: int, quiet: Mapping[str, Any]) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    sizes = {"num_cpus": workers, "object_store_memory": _OBJECT_STORE}
    try:
        ray.init(address="local", include_dashboard=False, **sizes, **quiet)
    except Exception as error:  # Ray raises a plain Exception if its processes start too slowly
        ray.shutdown()
        raise InstructZeroError(
            f"Ray does not start on this machine ({str(error).partition('.')[0]}); try again when the machine "
            "is less busy, or use --engine processes"
        ) from error


def _run(plan: CellPlan) -> Outcome | Failure:
    """Run a cell on a node."""
    return attempt(plan, _models())


@cache
def _models() -> LocalModels:
    """Return the models of this process, which Ray reuses for one task after another."""
    use_one_thread()
    from instructzero.bench.local_models import LocalModels

    return LocalModels()


def _outcome(ray: Any, reference: Any, plan: CellPlan) -> Outcome:
    try:
        outcome: Outcome | Failure = ray.get(reference)
    except ray.exceptions.RayTaskError as error:  # something that `attempt` needs is missing on the node
        raise RuntimeError(f"{plan}:\n{error}") from None
    except ray.exceptions.RayError as error:  # the node died LIVES times
        raise lost(plan) from error
    return succeeded(outcome)


def _stop(ray: Any, references: list[Any]) -> None:
    """Interrupt the tasks, and wait until they have stored the answers of their open requests."""
    for reference in references:
        ray.cancel(reference)
    if references:
        ray.wait(references, num_returns=len(references), timeout=STOP_S)
